// What a store does when its servers stop, start, and come back from a backup: what the simulation relies on, as one
// suite, run on the fake and on a real etcd. What registries do while it runs is registry.ts.

import type { ExecutionContext, TestFn } from 'ava';
import type { Registry } from '../../src/subnet/registry.js';
import { WatchRecord } from './registry.js';

/** A store whose servers can be stopped, and a registry on it. Keys are whole. */
export interface OutageHarness {
  readonly registry: Registry;
  readonly prefix: string;
  grant(ttlSeconds: number): Promise<bigint>;
  put(key: string, value: string, lease?: bigint): Promise<void>;
  get(key: string): Promise<string | undefined>;
  revision(): Promise<bigint>;
  /** Stops the servers; the registry loses its connection. */
  halt(): Promise<void>;
  start(): Promise<void>;
  backup(): Promise<void>;
  /** Between halt() and start(): the servers come back with what the backup holds. */
  restore(): Promise<void>;
  pass(seconds: number): Promise<void>;
}

export function outageContract(
  test: TestFn,
  open: (t: ExecutionContext) => Promise<OutageHarness | undefined>,
): void {
  const contract = (
    title: string,
    body: (t: ExecutionContext, store: OutageHarness) => Promise<void>,
  ): void => {
    test.serial(title, async (t) => {
      const store = await open(t);
      if (store === undefined) return;
      await body(t, store);
      store.registry.close();
    });
  };

  contract(
    'no lease runs out while the servers are down, and each has its full time afterwards',
    async (t, store) => {
      const key = `${store.prefix}/leased`;
      await store.put(key, 'here', await store.grant(4));
      await store.pass(3);
      await store.halt();
      await store.pass(4);
      await store.start();
      await store.pass(3);
      t.is(await store.get(key), 'here');
      // A server that has begun to lead adds the time an election may take.
      await store.pass(4);
      t.is(await store.get(key), undefined);
    },
  );

  contract('a restored store is what it was, its revision too, and its leases live on', async (t, store) => {
    const [kept, late] = [`${store.prefix}/kept`, `${store.prefix}/late`];
    await store.put(kept, 'before', await store.grant(4));
    const revision = await store.revision();
    await store.backup();
    await store.put(late, 'after');
    await store.put(kept, 'after');
    await store.halt();
    await store.restore();
    await store.start();
    t.is(await store.get(kept), 'before');
    t.is(await store.get(late), undefined);
    t.is(await store.revision(), revision);
    await store.pass(8);
    t.is(await store.get(kept), undefined);
  });

  contract('a watch learns that the store has lost history', async (t, store) => {
    const key = `${store.prefix}/subnets/10.1.5.0-24`;
    await store.backup();
    const watch = new WatchRecord(store.registry, (await store.revision()) + 1n);
    await store.put(key, '{"PublicIP":"1.2.3.4","BackendType":"vxlan"}');
    await watch.until(t, ['connected', 'put 10.1.5.0-24 vxlan +0']);
    await store.halt();
    await store.restore();
    await store.start();
    await watch.until(
      t,
      ['connected', 'put 10.1.5.0-24 vxlan +0', 'disconnected', 'connected', 'compacted'],
      20_000,
    );
  });
}
