// The listing of a directory against servers that are no etcd: it may neither go on for ever nor mix two stores.

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import type { KeyValue, Kv } from '../../src/etcd/kv.js';
import { MOST_CONFIGS, type ConfigListing } from '../../src/subnet/config-machine.js';
import { listConfigs, nameInKey } from '../../src/subnet/etcd-directory.js';
import { testParts } from '../helpers/etcd-log.js';
import { EtcdServer } from '../helpers/etcd-server.js';
import { holdsAsync } from './property.js';

const kv = (key: string | Uint8Array, value = '{}'): KeyValue => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
  ...{ createRevision: 1n, modRevision: 2n, version: 1n, lease: 0n },
});

/** A listing of `/n/` whose calls are answered by these: one key each, or none. */
async function listing(
  t: ExecutionContext,
  answer: (call: number, key: string, revision: bigint) => KeyValue | undefined,
  clusterId: (call: number) => bigint = () => 1n,
): Promise<{ listing: Promise<ConfigListing>; calls: () => number }> {
  const server = await EtcdServer.start(t);
  let calls = 0;
  server.answer('range', ({ key, revision }) => {
    const call = calls++;
    const found = answer(call, Buffer.from(key).toString('latin1'), revision);
    const header = { clusterId: clusterId(call), revision: 9n };
    return { header, kvs: found === undefined ? [] : [found], more: false, count: 0n };
  });
  const client = new EtcdClient({ endpoints: parseEndpoints(server.endpoint) }, testParts());
  t.teardown(() => {
    client.close();
  });
  return { listing: listConfigs(client.kv, '/n/', 'list'), calls: () => calls };
}

test('each folder costs one call, all at the revision of the first', async (t) => {
  const asked: string[] = [];
  const keys = ['/n/a/config', '/n/b-c/config', undefined];
  const { listing: list } = await listing(t, (call, key, revision) => {
    asked.push(`${key} ${revision}`);
    return keys[call] === undefined ? undefined : kv(keys[call]);
  });
  t.deepEqual([...(await list).configs.keys()], ['a', 'b-c']);
  t.deepEqual(asked, ['/n/ 0', '/n/a0 9', '/n/b-c0 9']);
});

test('a key that sorts before the config costs one more, and one that sorts behind it none', async (t) => {
  const asked: string[] = [];
  const keys = ['/n/.vnis/1', undefined, '/n/a/aaa', '/n/a/config', '/n/b/nodes/x', '/n/c', undefined];
  const { listing: list } = await listing(t, (call, key) => {
    asked.push(key);
    return keys[call] === undefined ? undefined : kv(keys[call]);
  });
  t.deepEqual([...(await list).configs.keys()], ['a']);
  t.deepEqual(asked, ['/n/', '/n/.vnis/config', '/n/.vnis0', '/n/a/config', '/n/a0', '/n/b0', '/n/c\0']);
});

for (const [what, answer] of [
  ['the same key again', () => kv('/n/a/config')],
  ['a key from elsewhere', () => kv('/other/a/config')],
  ['a key that is cut short', () => kv('/n')],
] as const) {
  test(`${what} is no etcd’s answer`, async (t) => {
    const { listing: list, calls } = await listing(t, answer);
    await t.throwsAsync(list, {
      code: 'protocol',
      message: /no etcd, or two clusters; check the endpoints$/,
    });
    t.true(calls() <= 2);
  });
}

test('a second cluster in the middle of a listing ends it', async (t) => {
  const answer = (call: number): KeyValue => kv(`/n/${call}/config`);
  const { listing: list } = await listing(t, answer, (call) => (call < 3 ? 1n : 2n));
  await t.throwsAsync(list, { code: 'protocol' });
});

test('a directory of too many folders, or too much text, is nobody’s', async (t) => {
  const name = (call: number): string => `/n/${String(call).padStart(6, '0')}/config`;
  const listed = (value: string): { listing: Promise<ConfigListing>; calls: () => number } => {
    let calls = 0;
    const range = (): ReturnType<Kv['range']> =>
      Promise.resolve({
        ...{ revision: 9n, clusterId: 1n, more: true, count: 0n },
        keys: [kv(name(calls++), value)],
      });
    return { listing: listConfigs({ range }, '/n/', 'list'), calls: () => calls };
  };
  const many = listed('{}');
  await t.throwsAsync(many.listing, { code: 'protocol', message: /more than 10000 keys or 67108864 bytes/ });
  t.is(many.calls(), MOST_CONFIGS + 1);
  const much = listed('x'.repeat(16 * 1024 * 1024));
  await t.throwsAsync(much.listing, { code: 'protocol' });
  t.is(much.calls(), 5);
});

test('every config is found, and nothing else, whatever lies beside them and however much', async (t) => {
  const part = fc.string({
    unit: fc.constantFrom('a', 'b', 'z', '-', '0', '\x01', '\xff'),
    minLength: 1,
    maxLength: 4,
  });
  const rest = fc.constantFrom('/config', '/subnets/x', '/aaa', '', '/sub/config', '/config/');
  const keys = fc.uniqueArray(
    fc.tuple(part, rest).map(([name, more]) => `/n/${name}${more}`),
    { maxLength: 40 },
  );
  // With so many keys that all is looked for in narrow ranges; and with few.
  const more = fc.constantFrom(0n, 100_000n);
  const range = fc.asyncProperty(keys, more, async (all, extra) => {
    const stored = [...all, '/n0', '/m', '/z/config']
      .map((key) => Buffer.from(key, 'latin1'))
      .sort((a, b) => a.compare(b));
    const kvs = {
      range: ({ key, rangeEnd }: { key: string | Uint8Array; rangeEnd?: Uint8Array }) => {
        const from = Buffer.from(key);
        const found = stored.filter((each) =>
          rangeEnd === undefined ? each.equals(from) : each.compare(from) >= 0 && each.compare(rangeEnd) < 0,
        );
        const first = found.slice(0, 1).map((each) => kv(each));
        const count = BigInt(found.length) + extra;
        return Promise.resolve({ revision: 9n, clusterId: 1n, keys: first, more: found.length > 1, count });
      },
    };
    const { configs } = await listConfigs(kvs, '/n/', 'list');
    const expected = stored
      .filter((key) => key.subarray(0, 3).equals(Buffer.from('/n/')))
      .flatMap((key) => nameInKey(key, 3) ?? []);
    t.deepEqual([...configs.keys()].sort(), [...new Set(expected)].sort());
  });
  await holdsAsync(t, range, { numRuns: 500 });
});

test('only <folder><name>/config names a network, whatever bytes the name has', (t) => {
  const name = (key: string | Uint8Array): string | undefined => nameInKey(Buffer.from(key), '/n/'.length);
  t.is(name('/n/blue/config'), 'blue');
  t.is(name('/n//config'), '');
  t.is(name(Buffer.from('/n/\xff/config', 'latin1')), '\ufffd');
  t.is(name(`/n/${'x'.repeat(5_000)}/config`)?.length, 101);
  for (const key of [
    '/n/',
    '/n/config',
    '/n/a/confi',
    '/n/a/config/',
    '/n/a/b/config',
    '/n/a/xonfig',
    '/n/aconfig',
  ])
    t.is(name(key), undefined);
});
