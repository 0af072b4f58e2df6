// The store of networks on a real etcd: what needs user and password, what a large directory costs, who races whom.
// What it does when all is well, and when etcd is not what it was, are the contract suites (test/contract).

import test, { type ExecutionContext } from 'ava';
import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { EtcdNetworkStore } from '../../src/subnet/etcd-network-store.js';
import { Told } from '../contract/network-store.js';
import { rejectsWith } from '../contract/registry.js';
import { testParts } from '../helpers/etcd-log.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdctl, etcdFor, hasEtcd } from '../helpers/etcd.js';

const ROOT = ['--user', 'root:rootpw'];
const NONE: ReadonlySet<number> = new Set();

interface Opened {
  readonly client: EtcdClient;
  readonly store: EtcdNetworkStore;
  readonly parts: ReturnType<typeof testParts>;
}

function open(t: ExecutionContext, endpoint: string, username?: string): Opened {
  const parts = testParts();
  const credentials = username === undefined ? {} : { credentials: { username, password: 'pw' } };
  const client = new EtcdClient({ endpoints: parseEndpoints(endpoint), ...credentials }, parts);
  t.teardown(() => {
    client.close();
  });
  return { client, store: new EtcdNetworkStore({ ...parts, client }), parts };
}

test.serial(
  'without permission it waits, says which one is missing, and goes on when it is there',
  async (t) => {
    if (!hasEtcd(t)) return;
    const { endpoint } = await etcdFor(t, { extraArguments: ['--bcrypt-cost', '4'] });
    for (const words of [
      ['put', '/nets/a/config', '1'],
      ['user', 'add', 'root:rootpw'],
      ['user', 'grant-role', 'root', 'root'],
      ['user', 'add', 'flannel:pw'],
      ['role', 'add', 'network'],
      ['role', 'grant-permission', 'network', 'read', '/nets/a/config'],
      ['user', 'grant-role', 'flannel', 'network'],
      ['auth', 'enable'],
    ])
      await etcdctl(endpoint, words);
    const { store, parts } = open(t, endpoint, 'flannel');
    const [directory, config] = [Told.directory(t, store, '/nets'), Told.config(t, store, '/nets/a')];
    await eventually('the directory waits', () => directory.state === 'disconnected');
    await eventually('the config waits', () => config.state === 'disconnected');
    const grant = /etcdctl role grant-permission ROLE readwrite \/nets\/ --prefix=true$/;
    t.regex(directory.reasons[0] ?? '', grant);
    t.true(
      parts.logger.lines.some((line) => /^warn waiting, and trying again .*the networks below/.test(line)),
    );
    const error = await rejectsWith(t, store.claimVni('/nets/a', NONE), 'denied');
    t.regex(error.message, grant);
    await etcdctl(endpoint, [
      ...ROOT,
      ...['role', 'grant-permission', 'network', '--prefix=true', 'readwrite', '/nets/'],
    ]);
    await directory.until(t, ['put a 1', 'listed'], 10_000);
    // One config may be read by that permission alone, and is told; to watch it takes the whole.
    await eventually('the config is heard', () => config.state === 'connected', 10_000);
    t.deepEqual(config.lines, ['put 1']);
    await etcdctl(endpoint, [...ROOT, 'put', '/nets/a/config', '2']);
    await directory.until(t, ['put a 1', 'listed', 'put a 2']);
    await config.until(t, ['put 1', 'put 2']);
    t.is(await store.claimVni('/nets/a', NONE), 1, 'a config that cannot be read asks for no VNI');
  },
);

test.serial('a hundred networks of a thousand keys are listed without reading those', async (t) => {
  if (!hasEtcd(t)) return;
  const { endpoint } = await etcdFor(t);
  const { client, store } = open(t, endpoint);
  const keys = Array.from({ length: 100 }, (_, network) =>
    Array.from({ length: 1000 }, (_, index) => `/nets/n${network}/subnets/10.${network}.${index}.0-24`),
  ).flat();
  for (let first = 0; first < keys.length; first += 120) {
    const success = keys
      .slice(first, first + 120)
      .map((key) => ({ type: 'put', key, value: VALUE }) as const);
    await client.kv.transaction('fill', { compare: [], success });
  }
  for (let network = 0; network < 100; network++) await client.kv.put(`/nets/n${network}/config`, '{}');
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const told = Told.directory(t, store, '/nets');
  await eventually('the listing', () => told.lines.includes('listed'), 10_000);
  const ms = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  t.log(`${ms.toFixed(0)} ms, ${((user + system) / 1000).toFixed(0)} ms of this process`);
  t.is(told.lines.length, 101);
  // A lease that is renewed by a put, a thousand times: none of it is told, and what is put after it is.
  for (let first = 0; first < 1000; first += 100) {
    const success = keys
      .slice(first, first + 100)
      .map((key) => ({ type: 'put', key, value: VALUE }) as const);
    await client.kv.transaction('renew', { compare: [], success });
  }
  const put = performance.now();
  await client.kv.put('/nets/new/config', '{}');
  await eventually('the new one', () => told.lines.at(-1) === 'put new {}');
  t.log(`a new network is told ${(performance.now() - put).toFixed(0)} ms after its put began`);
  t.is(told.lines.length, 102);
});

const VALUE = '{"PublicIP":"192.168.50.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1}}';

test.serial(
  'nodes that claim for the same networks at once agree on each, and no two have one number',
  async (t) => {
    if (!hasEtcd(t)) return;
    const { endpoint } = await etcdFor(t);
    const names = Array.from({ length: 10 }, (_, index) => `/nets/n${index}`);
    const nodes = [1, 2, 3].map(() => open(t, endpoint).store);
    const claims = await Promise.all(
      nodes.map((node) => Promise.all(names.map((name) => node.claimVni(name, new Set([3]))))),
    );
    t.deepEqual(claims[1], claims[0]);
    t.deepEqual(claims[2], claims[0]);
    const numbers = new Set(claims[0]);
    t.is(numbers.size, names.length);
    t.false(numbers.has(3));
    const stored = await etcdctl(endpoint, ['get', '--prefix', '/nets/.vnis/', '--keys-only']);
    t.is(stored.split('\n').filter((line) => line !== '').length, names.length);
  },
);

test.serial('a claim that is given up rejects at once, though etcd is silent', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { store } = open(t, etcd.endpoint);
  await store.claimVni('/nets/a', NONE);
  await etcd.freeze();
  const abort = new AbortController();
  const claim = store.claimVni('/nets/b', NONE, abort.signal);
  abort.abort(new Error('the network is gone'));
  await t.throwsAsync(claim, { message: 'the network is gone' });
  etcd.thaw();
});
