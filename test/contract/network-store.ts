// What every store of networks does, as one suite: run on the fake without anything, and on EtcdNetworkStore with a real
// etcd. What it does when the store goes away or is another one is network-store-outage.ts, VNIs are network-store-vnis.ts.

import type { ExecutionContext, TestFn } from 'ava';
import {
  MAX_CONFIG_LENGTH,
  type ConfigText,
  type NetworkStore,
  type StoreState,
} from '../../src/subnet/network-store.js';
import { eventually } from '../helpers/etcd-wait.js';

/** A store of networks to test, and what is behind it. Keys are whole; `root` has no keys below it. */
export interface NetworkStoreHarness {
  readonly store: NetworkStore;
  readonly root: string;
  readonly raw: RawKeys;
}

export interface RawKeys {
  get(key: string): Promise<string | undefined>;
  put(key: string, value: string | Uint8Array): Promise<void>;
  /** Writes the keys with something as their value, a hundred a revision. */
  fill(keys: readonly string[]): Promise<void>;
  delete(key: string): Promise<void>;
  deletePrefix(prefix: string): Promise<void>;
}

export type Contract<H> = (title: string, body: (t: ExecutionContext, harness: H) => Promise<void>) => void;

/** Declares tests whose harness `open` gives, or undefined when the need is missing. */
export function contractOf<H>(
  test: TestFn,
  open: (t: ExecutionContext) => Promise<H | undefined>,
): Contract<H> {
  return (title, body) => {
    test.serial(title, async (t) => {
      const harness = await open(t);
      if (harness !== undefined) await body(t, harness);
    });
  };
}

/** A follower that keeps what it was told, one line each; its state apart, for how often that changes is chance. */
export class Told {
  readonly lines: string[] = [];
  readonly configs: ConfigText[] = [];
  readonly reasons: string[] = [];
  state: StoreState | undefined;
  stop: () => void = () => undefined;

  static directory(t: ExecutionContext, store: NetworkStore, prefix: string): Told {
    const told = new Told();
    told.stop = store.followDirectory(prefix, {
      put: (name, config) => {
        told.configs.push(config);
        told.lines.push(`put ${name} ${config.text}`);
      },
      deleted: (name) => told.lines.push(`deleted ${name}`),
      missing: (name, reason) => told.lines.push(`missing ${name}`) && told.reasons.push(reason),
      refused: (name, reason) => told.lines.push(`refused ${name}`) && told.reasons.push(reason),
      listed: () => told.lines.push('listed'),
      state: (state, reason) => {
        told.state = state;
        told.reasons.push(reason);
      },
    });
    t.teardown(told.stop);
    return told;
  }

  static config(t: ExecutionContext, store: NetworkStore, prefix: string): Told {
    const told = new Told();
    told.stop = store.followConfig(prefix, {
      put: (config) => {
        told.configs.push(config);
        told.lines.push(`put ${config.text}`);
      },
      deleted: () => told.lines.push('deleted'),
      missing: (reason) => told.lines.push('missing') && told.reasons.push(reason),
      state: (state) => (told.state = state),
    });
    t.teardown(told.stop);
    return told;
  }

  async until(t: ExecutionContext, lines: readonly string[], timeoutMs = 5_000): Promise<void> {
    await eventually('news', () => this.lines.length >= lines.length, timeoutMs).catch(() => undefined);
    t.deepEqual(this.lines, lines);
  }
}

export function networkStoreContract(
  test: TestFn,
  open: (t: ExecutionContext) => Promise<NetworkStoreHarness | undefined>,
): void {
  const contract = contractOf(test, open);
  directories(contract);
  strangers(contract);
  configs(contract);
}

function directories(contract: Contract<NetworkStoreHarness>): void {
  contract('the networks there are come first, then what is put, changed and deleted', async (t, harness) => {
    const { store, root, raw } = harness;
    await raw.put(`${root}/blue/config`, 'b1');
    await raw.put(`${root}/a-red/config`, 'r1');
    const told = Told.directory(t, store, `/${root}/`);
    t.deepEqual(told.lines, [], 'nothing is told within the call');
    await told.until(t, ['put a-red r1', 'put blue b1', 'listed']);
    await raw.put(`${root}/green/config`, 'g1');
    await raw.put(`${root}/blue/config`, 'b2');
    await raw.delete(`${root}/green/config`);
    await raw.put(`${root}/green/config`, 'g2');
    const news = ['put green g1', 'put blue b2', 'deleted green', 'put green g2'];
    await told.until(t, ['put a-red r1', 'put blue b1', 'listed', ...news]);
    t.is(told.state, 'connected');
    const revisions = told.configs.map(({ modRevision }) => modRevision);
    t.deepEqual(
      revisions.slice(2),
      [...new Set(revisions.slice(2))].sort(),
      'each has a revision of its own',
    );
  });

  contract('an empty directory is listed, too', async (t, { store, root, raw }) => {
    const told = Told.directory(t, store, root);
    await told.until(t, ['listed']);
    await raw.put(`${root}/a/config`, '1');
    await told.until(t, ['listed', 'put a 1']);
  });

  contract('a whole prefix that is deleted at once is so many networks deleted', async (t, harness) => {
    const { store, root, raw } = harness;
    for (const name of ['a', 'b', 'c']) await raw.put(`${root}/${name}/config`, name);
    await raw.fill([`${root}/b/subnets/10.5.1.0-24`, `${root}/b/vni`]);
    const told = Told.directory(t, store, root);
    const before = ['put a a', 'put b b', 'put c c', 'listed'];
    await told.until(t, before);
    await raw.deletePrefix(`${root}/`);
    await told.until(t, [...before, 'deleted a', 'deleted b', 'deleted c']);
  });

  contract('who has stopped is told nothing more', async (t, { store, root, raw }) => {
    const [stopped, told] = [Told.directory(t, store, root), Told.directory(t, store, root)];
    await stopped.until(t, ['listed']);
    stopped.stop();
    await raw.put(`${root}/a/config`, '1');
    await told.until(t, ['listed', 'put a 1']);
    t.deepEqual(stopped.lines, ['listed']);
  });
}

/** Keys that are no networks. */
function strangers(contract: Contract<NetworkStoreHarness>): void {
  contract('leases and deeper keys beside the configs are no networks', async (t, { store, root, raw }) => {
    const networks = ['blue', 'green', 'red'];
    const leases = networks.flatMap((name) =>
      ['subnets', 'used', 'nodes', 'zzz'].flatMap((folder) =>
        Array.from({ length: 70 }, (_, index) => `${root}/${name}/${folder}/10.5.${index}.0-24`),
      ),
    );
    await raw.fill([
      ...leases,
      `${root}/.vnis/7`,
      `${root}/config`,
      `${root}/blue/sub/config`,
      `${root}/x/y`,
    ]);
    // A key that sorts before the config of its network, and a name that begins with another's.
    await raw.fill([`${root}/green/aaa`, `${root}/blue-2/config2`, `${root}/blue`]);
    for (const name of networks) await raw.put(`${root}/${name}/config`, name);
    const told = Told.directory(t, store, root);
    const listed = [...networks.map((name) => `put ${name} ${name}`), 'listed'];
    await told.until(t, listed);
    await raw.fill([
      `${root}/blue/sub/config`,
      `${root}/config`,
      `${root}/blue/config/`,
      `${root}/bluer`,
      leases[0]!,
    ]);
    await raw.delete(`${root}/blue/sub/config`);
    await raw.put(`${root}/red/config`, 'last');
    await told.until(t, [...listed, 'put red last']);
  });

  contract('a name that is no network’s is refused once, and the others go on', async (t, harness) => {
    const { store, root, raw } = harness;
    await raw.put(`${root}/subnets-1/config`, '1');
    await raw.put(`${root}/nodes/config`, '1');
    await raw.put(`${root}/Blue/config`, '1');
    await raw.put(`${root}/ok/config`, '1');
    const told = Told.directory(t, store, root);
    const listed = ['refused Blue', 'refused nodes', 'put ok 1', 'refused subnets-1', 'listed'];
    await told.until(t, listed);
    t.regex(told.reasons[0] ?? '', /1 to 32 characters of a-z, 0-9 and "-"/);
    await raw.put(`${root}/Blue/config`, '2');
    await raw.put(`${root}/${'x'.repeat(33)}/config`, '1');
    await raw.put(`${root}//config`, '1');
    await raw.delete(`${root}/nodes/config`);
    await raw.put(`${root}/ok/config`, '2');
    await told.until(t, [...listed, `refused ${'x'.repeat(33)}`, 'refused ', 'put ok 2']);
  });

  contract(
    'whatever bytes a config has, it is told, and no more of it than can be read',
    async (t, harness) => {
      const { store, root, raw } = harness;
      await raw.put(`${root}/bytes/config`, Uint8Array.of(0xff, 0x00, 0x7b));
      await raw.put(`${root}/empty/config`, '');
      await raw.put(`${root}/long/config`, `{"Network":"${'é'.repeat(MAX_CONFIG_LENGTH / 2)}"}`);
      await raw.put(`${root}/most/config`, 'x'.repeat(MAX_CONFIG_LENGTH));
      const told = Told.directory(t, store, root);
      await eventually('the listing', () => told.lines.includes('listed'));
      const lengths = told.configs.map(({ text }) => text.length);
      t.deepEqual(lengths, [3, 0, MAX_CONFIG_LENGTH + 1, MAX_CONFIG_LENGTH]);
      t.is(told.configs[0]?.text, '\ufffd\0{');
    },
  );
}

function configs(contract: Contract<NetworkStoreHarness>): void {
  contract(
    'a config that is not there is missing once, then told, changed and deleted',
    async (t, harness) => {
      const { store, root, raw } = harness;
      const told = Told.config(t, store, `/${root}//net/`);
      await told.until(t, ['missing']);
      t.regex(told.reasons[0] ?? '', /not in the store at revision \d+/);
      await raw.put(`${root}/net/config`, '1');
      await raw.put(`${root}/net/config2`, 'another key');
      await raw.put(`${root}/net/config/x`, 'another key');
      await raw.put(`${root}/net/config`, '2');
      await raw.delete(`${root}/net/config`);
      await raw.put(`${root}/net/config`, '3');
      await told.until(t, ['missing', 'put 1', 'put 2', 'deleted', 'put 3']);
      t.is(told.state, 'connected');
    },
  );

  contract('a config that is there is told, each by who follows it', async (t, { store, root, raw }) => {
    await raw.put(`${root}/a/config`, 'a');
    await raw.put(`${root}/b/config`, 'b');
    const [a, b] = [Told.config(t, store, `${root}/a`), Told.config(t, store, `${root}/b`)];
    await a.until(t, ['put a']);
    await b.until(t, ['put b']);
    a.stop();
    await raw.put(`${root}/a/config`, 'a2');
    await raw.put(`${root}/b/config`, 'b2');
    await b.until(t, ['put b', 'put b2']);
    t.deepEqual(a.lines, ['put a']);
  });
}
