// What every registry does, as one suite: run on the fake without anything, and on EtcdRegistry with a real etcd.
// Deviations of the fake from etcd are what this exists to find.

import type { ExecutionContext, TestFn } from 'ava';

import { cidr, ip } from '../../src/subnet/cidr.js';
import { RegistryError, type RegistryErrorCode } from '../../src/subnet/errors.js';
import type { LeaseAttributes, LeaseRecord } from '../../src/subnet/lease.js';
import type { ClaimGuard, Registry } from '../../src/subnet/registry.js';
import { claims, memories, nodes } from './registry-claims.js';
import { eventually } from '../helpers/etcd-wait.js';

/** The store behind a registry, seen without the registry. Keys are whole. */
export interface RawStore {
  get(key: string): Promise<{ readonly value: string; readonly lease: bigint } | undefined>;
  put(key: string, value: string | Uint8Array, lease?: bigint): Promise<void>;
  delete(key: string): Promise<void>;
  revoke(lease: bigint): Promise<void>;
  /** Compacts at a revision, or at the present one. */
  compact(revision?: bigint): Promise<void>;
}

/** A registry to test, and what is behind it. */
export interface RegistryHarness {
  readonly registry: Registry;
  readonly prefix: string;
  readonly raw: RawStore;
  /** Lets (about) that much time pass; need not wait for it. */
  pass(seconds: number): Promise<void>;
}

export type OpenHarness = (t: ExecutionContext) => Promise<RegistryHarness | undefined>;

const HOST_GW: LeaseAttributes = { publicIps: { 4: ip('1.2.3.4') }, backendType: 'host-gw', backendData: {} };
const UDP: LeaseAttributes = { publicIps: { 4: ip('1.2.3.4') }, backendType: '', backendData: {} };
const FIRST = { 4: cidr('10.1.5.0/24') };
const TTL = 3600;
/** Whatever was written since. */
export const ANYTHING: ClaimGuard = { listed: 2n ** 62n };

/** A watch that keeps what it was told, one line each. */
export class WatchRecord {
  readonly lines: string[] = [];
  covered = 0n;
  readonly stop: () => void;

  constructor(registry: Registry, fromRevision: bigint) {
    this.stop = registry.watch(fromRevision, {
      events: (events, revision) => {
        this.covered = revision;
        for (const event of events) {
          if (event.type === 'put') {
            const { key, modRevision, attributes } = event.record;
            this.lines.push(`put ${key} ${attributes.backendType} +${modRevision - fromRevision}`);
          } else if (event.type === 'delete') {
            this.lines.push(`delete ${event.key} +${event.modRevision - fromRevision}`);
          } else {
            this.lines.push(`unreadable ${event.key} +${event.modRevision - fromRevision}`);
          }
        }
      },
      compacted: () => this.lines.push('compacted'),
      disconnected: () => this.lines.push('disconnected'),
      connected: () => this.lines.push('connected'),
    });
  }

  async until(t: ExecutionContext, lines: readonly string[], timeoutMs = 5_000): Promise<void> {
    await eventually(
      `watch of ${lines.length} lines`,
      () => this.lines.length >= lines.length,
      timeoutMs,
    ).catch(() => undefined);
    t.deepEqual(this.lines, lines);
  }
}

/** Declares the suite. `open` gives a harness with an empty prefix, or undefined when the need is missing. */
export function registryContract(test: TestFn, open: OpenHarness): void {
  const contract = (
    title: string,
    body: (t: ExecutionContext, harness: RegistryHarness) => Promise<void>,
  ): void => {
    test.serial(title, async (t) => {
      const harness = await open(t);
      if (harness === undefined) return;
      t.teardown(() => {
        harness.registry.close();
      });
      await body(t, harness);
    });
  };
  writes(contract);
  claims(contract);
  memories(contract);
  nodes(contract);
  leases(contract);
  reads(contract);
  watches(contract);
}

export type Contract = (
  title: string,
  body: (t: ExecutionContext, harness: RegistryHarness) => Promise<void>,
) => void;

export async function rejectsWith(
  t: ExecutionContext,
  call: Promise<unknown>,
  code: RegistryErrorCode,
): Promise<RegistryError> {
  const error = await t.throwsAsync(call, { instanceOf: RegistryError });
  t.is(error.code, code, error.message);
  return error;
}

/** The record as it would be had it been seen before the last change. */
function outdated(record: LeaseRecord): LeaseRecord {
  return { ...record, modRevision: record.modRevision - 1n };
}

function writes(contract: Contract): void {
  contract(
    'create writes key and value as flannel does, byte for byte',
    async (t, { registry, prefix, raw }) => {
      const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
      t.is(record.key, '10.1.5.0-24');
      t.is(record.createRevision, record.modRevision);
      t.not(record.etcdLease, 0n);
      t.deepEqual(await raw.get(`${prefix}/subnets/10.1.5.0-24`), {
        value: '{"PublicIP":"1.2.3.4","PublicIPv6":null}',
        lease: record.etcdLease,
      });
      t.deepEqual((await registry.list()).records, [record]);
    },
  );

  contract('create writes both families into one key', async (t, { registry, prefix, raw }) => {
    const subnets = { 4: cidr('10.5.71.0/24'), 6: cidr('fc00:5:0:47::/64') };
    const attributes = {
      publicIps: { 4: ip('192.168.50.1'), 6: ip('fd50::1') },
      backendType: 'vxlan',
      backendData: { 4: { VNI: 1 }, 6: { VNI: 1 } },
    };
    const record = await registry.create(subnets, attributes, TTL, ANYTHING);
    t.deepEqual(record.subnets, subnets);
    t.is(
      (await raw.get(`${prefix}/subnets/10.5.71.0-24&fc00:5:0:47::-64`))?.value,
      '{"PublicIP":"192.168.50.1","PublicIPv6":"fd50::1","BackendType":"vxlan","BackendData":{"VNI":1},"BackendV6Data":{"VNI":1}}',
    );
  });

  contract('a taken subnet is not created, and stays as it was', async (t, { registry, prefix, raw }) => {
    const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
    const error = await rejectsWith(t, registry.create(FIRST, HOST_GW, TTL, ANYTHING), 'exists');
    t.true(error.retryable);
    t.is((await raw.get(`${prefix}/subnets/10.1.5.0-24`))?.lease, record.etcdLease);
    t.deepEqual((await registry.list()).records, [record]);
  });

  contract('replace writes new attributes on the same etcd lease', async (t, { registry, prefix, raw }) => {
    const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
    const replaced = await registry.replace(record, HOST_GW);
    t.deepEqual({ ...replaced, modRevision: 0n }, { ...record, attributes: HOST_GW, modRevision: 0n });
    t.true(replaced.modRevision > record.modRevision);
    t.is((await raw.get(`${prefix}/subnets/10.1.5.0-24`))?.lease, record.etcdLease);
    t.deepEqual((await registry.list()).records, [replaced]);
  });

  contract(
    'replace of a record that has changed or gone is refused',
    async (t, { registry, raw, prefix }) => {
      const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
      const replaced = await registry.replace(record, HOST_GW);
      await rejectsWith(t, registry.replace(record, UDP), 'changed');
      t.deepEqual((await registry.list()).records, [replaced]);
      await raw.delete(`${prefix}/subnets/10.1.5.0-24`);
      await rejectsWith(t, registry.replace(replaced, UDP), 'changed');
      t.deepEqual((await registry.list()).records, []);
    },
  );

  contract('remove deletes the record that was seen and no other', async (t, { registry }) => {
    const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
    await rejectsWith(t, registry.remove(outdated(record)), 'changed');
    t.is((await registry.list()).records.length, 1);
    await registry.remove(record);
    t.deepEqual((await registry.list()).records, []);
    await t.notThrowsAsync(registry.remove(record), 'what is gone already counts as removed');
  });
}

function leases(contract: Contract): void {
  contract('keepAlive gives the lease its full time', async (t, { registry }) => {
    const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
    t.is(await registry.keepAlive(record), TTL);
  });

  contract('a revoked lease takes the record with it', async (t, { registry, raw }) => {
    const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
    await raw.revoke(record.etcdLease);
    const error = await rejectsWith(t, registry.keepAlive(record), 'lease-gone');
    t.false(error.retryable);
    await rejectsWith(t, registry.replace(record, HOST_GW), 'changed');
    t.deepEqual((await registry.list()).records, []);
  });

  contract('a reservation stays a reservation', async (t, { registry, prefix, raw }) => {
    const key = `${prefix}/subnets/10.5.77.0-24`;
    await raw.put(key, '{"PublicIP":"1.2.3.4"}');
    const [record] = (await registry.list()).records;
    t.is(record?.etcdLease, 0n);
    if (record === undefined) return;
    t.is(await registry.keepAlive(record), Infinity);
    const replaced = await registry.replace(record, HOST_GW);
    t.is(replaced.etcdLease, 0n);
    const value = '{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"host-gw"}';
    t.deepEqual(await raw.get(key), { value, lease: 0n });
  });

  contract('an expired lease deletes its key, and the watch says so', async (t, harness) => {
    const { registry } = harness;
    const { revision } = await registry.list();
    const watch = new WatchRecord(registry, revision + 1n);
    const record = await registry.create(FIRST, HOST_GW, 2, ANYTHING);
    await harness.pass(6);
    await watch.until(t, ['connected', 'put 10.1.5.0-24 host-gw +0', 'delete 10.1.5.0-24 +1'], 10_000);
    await rejectsWith(t, registry.keepAlive(record), 'lease-gone');
    watch.stop();
  });
}

function reads(contract: Contract): void {
  contract(
    'the config is read with its revision, and absent when absent',
    async (t, { registry, prefix, raw }) => {
      t.is(await registry.readConfig(), undefined);
      await raw.put(`${prefix}/config`, '{"Network":"10.5.0.0/16"}');
      const first = await registry.readConfig();
      t.is(first?.text, '{"Network":"10.5.0.0/16"}');
      await raw.put(`${prefix}/config`, '{}');
      const second = await registry.readConfig();
      t.true((second?.modRevision ?? 0n) > (first?.modRevision ?? 0n));
    },
  );

  contract('a listing skips what cannot be read, says why, and keeps the rest', async (t, harness) => {
    const { registry, prefix, raw } = harness;
    const poison: Readonly<Record<string, string | Uint8Array>> = {
      foo: 'bar',
      '10.5.250.0-24': 'notjson',
      '10.5.251.0-24': '{"PublicIP":null}',
      '10.5.252.0-24': '{"PublicIP":"1.2.3.4","PublicIPv6":""}',
      '10.5.253.0-24': Uint8Array.of(0xff, 0xfe, 0x00),
      '10.1.1.1-32': '{"PublicIP":"1.2.3.4"}',
      '10.5.254.0-24': `{"PublicIP":"1.2.3.4","X":"${'x'.repeat(70_000)}"}`,
      ['long'.repeat(100)]: '',
    };
    const record = await registry.create(FIRST, HOST_GW, TTL, ANYTHING);
    for (const [key, value] of Object.entries(poison)) await raw.put(`${prefix}/subnets/${key}`, value);
    await raw.put(`${prefix}/subnets.lock`, 'foreign');
    await raw.put(`${prefix}/subnets-10.5.3.0-24`, '{"PublicIP":"1.2.3.4"}');
    const listing = await registry.list();
    t.deepEqual(listing.records, [record]);
    t.deepEqual(
      listing.unreadable.map(({ key }) => key.slice(0, 20)).sort(),
      Object.keys(poison)
        .map((key) => key.slice(0, 20))
        .sort(),
    );
    for (const { key, reason, modRevision } of listing.unreadable) {
      t.true(key.length <= 101 && reason.length > 0 && reason.length < 200, `${key}: ${reason}`);
      t.true(modRevision > record.modRevision && modRevision <= listing.revision);
    }
  });

  contract('a key with something before the subnet is addressed as it stands', async (t, harness) => {
    const { registry, prefix, raw } = harness;
    await raw.put(`${prefix}/subnets/x10.5.34.0-24`, '{"PublicIP":"1.2.3.4"}');
    const [record] = (await registry.list()).records;
    t.is(record?.key, 'x10.5.34.0-24');
    t.deepEqual(record?.subnets, { 4: cidr('10.5.34.0/24') });
    if (record !== undefined) await registry.remove(record);
    t.is(await raw.get(`${prefix}/subnets/x10.5.34.0-24`), undefined);
  });
}

function watches(contract: Contract): void {
  contract('a watch sees puts, deletes and the unreadable in order', async (t, { registry, prefix, raw }) => {
    const { revision } = await registry.list();
    const watch = new WatchRecord(registry, revision + 1n);
    const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
    const replaced = await registry.replace(record, HOST_GW);
    await raw.put(`${prefix}/subnets/foo`, 'bar');
    await raw.put(`${prefix}/elsewhere`, 'not ours');
    await registry.remove(replaced);
    await raw.delete(`${prefix}/subnets/foo`);
    await watch.until(t, [
      'connected',
      'put 10.1.5.0-24  +0',
      'put 10.1.5.0-24 host-gw +1',
      'unreadable foo +2',
      'delete 10.1.5.0-24 +4',
      'delete foo +5',
    ]);
    t.is(watch.covered, revision + 6n);
    watch.stop();
  });

  contract('a watch from an old revision replays history', async (t, { registry, prefix, raw }) => {
    const { revision } = await registry.list();
    const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
    await registry.remove(await registry.replace(record, HOST_GW));
    await raw.put(`${prefix}/subnets/foo`, 'bar');
    const watch = new WatchRecord(registry, revision + 2n);
    await watch.until(t, [
      'connected',
      'put 10.1.5.0-24 host-gw +0',
      'delete 10.1.5.0-24 +1',
      'unreadable foo +2',
    ]);
    watch.stop();
  });

  contract('a watch overtaken by a compaction says so and ends', async (t, { registry, raw }) => {
    const { revision } = await registry.list();
    const record = await registry.create(FIRST, UDP, TTL, ANYTHING);
    await registry.replace(record, HOST_GW);
    await raw.compact();
    const late = new WatchRecord(registry, revision + 1n);
    await late.until(t, ['connected', 'compacted']);
    const onTime = new WatchRecord(registry, revision + 2n);
    await onTime.until(t, ['connected', 'put 10.1.5.0-24 host-gw +0']);
    await registry.remove((await registry.list()).records[0] ?? record);
    await onTime.until(t, ['connected', 'put 10.1.5.0-24 host-gw +0', 'delete 10.1.5.0-24 +1']);
    t.deepEqual(late.lines, ['connected', 'compacted'], 'an ended watch stays silent');
    onTime.stop();
  });

  contract('a watch from beyond the present means a store that lost history', async (t, { registry }) => {
    const { revision } = await registry.list();
    const watch = new WatchRecord(registry, revision + 1000n);
    await watch.until(t, ['connected', 'compacted']);
  });

  contract('a stopped watch is silent, and a closed registry refuses', async (t, { registry }) => {
    const { revision } = await registry.list();
    const stopped = new WatchRecord(registry, revision + 1n);
    const running = new WatchRecord(registry, revision + 1n);
    await running.until(t, ['connected']);
    stopped.stop();
    const before = stopped.lines.length;
    await registry.create(FIRST, UDP, TTL, ANYTHING);
    await running.until(t, ['connected', 'put 10.1.5.0-24  +0']);
    t.is(stopped.lines.length, before);
    registry.close();
    await rejectsWith(t, registry.list(), 'unavailable');
    t.is(running.lines.length, 2);
  });
}
