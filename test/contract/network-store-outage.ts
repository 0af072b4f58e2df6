// What a store of networks says when etcd goes away, forgets, or is not the one it was: one suite for the fake and the real
// one. What is at stake: a network that is told as deleted is removed from every host.

import type { ExecutionContext, TestFn } from 'ava';
import { eventually } from '../helpers/etcd-wait.js';
import { contractOf, Told, type NetworkStoreHarness } from './network-store.js';

export interface NetworkOutageHarness extends NetworkStoreHarness {
  /** Cuts the store of networks off; `raw` goes on. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** The servers are killed, and started again on their data. */
  restart(): Promise<void>;
  /** Forgets all history. */
  compact(): Promise<void>;
  /** The same servers begin anew on empty disks: their cluster id is the same. */
  wipe(): Promise<void>;
  /** Another cluster is in their place, empty. */
  replace(): Promise<void>;
}

export function networkOutageContract(
  test: TestFn,
  open: (t: ExecutionContext) => Promise<NetworkOutageHarness | undefined>,
): void {
  const contract = contractOf(test, open);
  const begin = async (t: ExecutionContext, harness: NetworkOutageHarness): Promise<Told> => {
    const { store, root, raw } = harness;
    for (const name of ['a', 'b', 'c']) await raw.put(`${root}/${name}/config`, '1');
    const told = Told.directory(t, store, root);
    await told.until(t, BEFORE);
    return told;
  };

  contract('what happens during an outage is told after it, a deletion as a deletion', async (t, harness) => {
    const { root, raw } = harness;
    const told = await begin(t, harness);
    await harness.cut();
    await eventually('the loss is told', () => told.state === 'disconnected');
    await raw.put(`${root}/a/config`, '2');
    await raw.delete(`${root}/b/config`);
    await raw.put(`${root}/d/config`, '1');
    await harness.mend();
    await told.until(t, [...BEFORE, 'put a 2', 'deleted b', 'put d 1'], 10_000);
    await eventually('the state', () => told.state === 'connected');
  });

  contract('servers that are started again tell nothing twice', async (t, harness) => {
    const { root, raw } = harness;
    const told = await begin(t, harness);
    await harness.restart();
    await raw.put(`${root}/d/config`, '1');
    await raw.delete(`${root}/a/config`);
    await told.until(t, [...BEFORE, 'put d 1', 'deleted a'], 15_000);
  });

  contract('what was compacted away may have been deleted, or not: it is missing', async (t, harness) => {
    const { root, raw } = harness;
    const told = await begin(t, harness);
    await harness.cut();
    await raw.put(`${root}/a/config`, '2');
    await raw.delete(`${root}/b/config`);
    await harness.compact();
    await harness.mend();
    await told.until(t, [...BEFORE, 'put a 2', 'missing b', 'listed'], 10_000);
    t.true(told.reasons.some((reason) => /not in the store at revision/.test(reason)));
    await raw.put(`${root}/b/config`, '3');
    await raw.delete(`${root}/b/config`);
    await told.until(t, [...BEFORE, 'put a 2', 'missing b', 'listed', 'put b 3', 'deleted b']);
  });

  for (const [how, change] of [
    ['an empty disk', 'wipe'],
    ['another cluster', 'replace'],
  ] as const) {
    contract(`${how} deletes nothing, and what is put there is told`, async (t, harness) => {
      const { root, raw, store } = harness;
      const told = await begin(t, harness);
      const config = Told.config(t, store, `${root}/a`);
      await config.until(t, ['put 1']);
      await harness.cut();
      await harness[change]();
      await raw.put(`${root}/b/config`, 'new');
      await harness.mend();
      const after = [...BEFORE, 'put b new', 'missing a', 'missing c', 'listed'];
      await told.until(t, after, 15_000);
      await config.until(t, ['put 1', 'missing'], 15_000);
      await raw.put(`${root}/a/config`, 'new');
      await raw.delete(`${root}/b/config`);
      await told.until(t, [...after, 'put a new', 'deleted b']);
      await config.until(t, ['put 1', 'missing', 'put new']);
    });
  }
}

const BEFORE = ['put a 1', 'put b 1', 'put c 1', 'listed'];
