// The commands on leases against a real etcd, with etcdctl as the witness.

import test, { type ExecutionContext } from 'ava';
import { etcdctl, etcdFor, hasEtcd } from '../helpers/etcd.js';
import { command, type CommandRun, type CommandSurroundings } from '../helpers/run-command.js';

const PREFIX = '/coreos.com/network';
const LEASE = `${PREFIX}/subnets/10.5.9.0-24`;
const VALUE =
  '{"PublicIP":"192.168.50.2","BackendType":"vxlan","BackendData":{"VNI":1},"NodeID":"n1","Other":[1]}';

interface Scene {
  readonly endpoint: string;
  readonly flanneld: (words: string, typed?: CommandSurroundings['typed']) => Promise<CommandRun>;
  readonly get: (key: string) => Promise<string>;
  readonly put: (key: string, value: string, lease?: string) => Promise<void>;
  readonly grant: (seconds: number) => Promise<string>;
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const { endpoint } = await etcdFor(t);
  const put = async (key: string, value: string, lease?: string): Promise<void> => {
    await etcdctl(endpoint, ['put', key, ...(lease === undefined ? [] : [`--lease=${lease}`])], value);
  };
  await put(`${PREFIX}/config`, '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}');
  return {
    endpoint,
    put,
    flanneld: (words, typed) =>
      command(words.split(' '), {
        env: { FLANNELD_ETCD_ENDPOINTS: endpoint },
        ...(typed === undefined ? {} : { typed }),
      }),
    get: async (key) => (await etcdctl(endpoint, ['get', '--print-value-only', key])).trim(),
    grant: async (seconds) =>
      /lease (\w+) granted/.exec(await etcdctl(endpoint, ['lease', 'grant', String(seconds)]))?.[1] ?? '',
  };
}

async function leaseOf(endpoint: string, key: string): Promise<string> {
  const { kvs } = JSON.parse(await etcdctl(endpoint, ['get', key, '-w', 'json'])) as {
    kvs?: { lease?: number | string }[];
  };
  return String(kvs?.[0]?.lease ?? 0);
}

test.serial('list shows leases with what is left, reservations, markers and what is no lease', async (t) => {
  if (!hasEtcd(t)) return;
  const { flanneld, put, grant } = await scene(t);
  await put(LEASE, VALUE, await grant(3_600));
  await put(`${PREFIX}/nodes/n1`, '{"NodeID":"n1","Host":"web1"}');
  await put(`${PREFIX}/subnets/10.5.77.0-24`, '{"PublicIP":"192.168.50.3"}');
  await put(`${PREFIX}/subnets/10.5.78.0-24`, 'rubbish');
  const hostile = { PublicIP: '192.168.50.4', BackendType: '\u001b[31mred\nroot', NodeID: '\u001b[2J' };
  await put(`${PREFIX}/subnets/10.5.79.0-24`, JSON.stringify(hostile));
  await put(`${PREFIX}/revoked/10.5.80.0-24`, '{"NodeID":"n2"}');
  await put(`${PREFIX}/used/10.5.81.0-24`, '{"NodeID":null}');
  const text = await flanneld('leases list');
  t.is(text.code, 0, text.err);
  t.regex(text.out, /10\.5\.9\.0\/24 +192\.168\.50\.2 +vxlan +59 min.* +web1 +n1/);
  t.regex(text.out, /10\.5\.77\.0\/24 +192\.168\.50\.3 +udp +reserved +\? +upstream or none/);
  t.regex(text.out, /revoked: 10\.5\.80\.0\/24 from node n2/);
  t.regex(text.out, /used before: 1 subnet \(10\.5\.81\.0\/24\)/);
  t.regex(text.out, /no lease: 10\.5\.78\.0-24/);
  t.regex(text.out, /10\.5\.79\.0\/24 +192\.168\.50\.4 +\[31mred root/);
  t.notRegex(text.out, /\u001b/);
  const json = JSON.parse((await flanneld('leases list --json')).out) as {
    networks: { leases: { secondsLeft: number | null }[] }[];
  };
  const [first, second] = json.networks[0]?.leases ?? [];
  t.true((first?.secondsLeft ?? 0) > 3_500 && (first?.secondsLeft ?? 0) <= 3_600);
  t.is(second?.secondsLeft, null);
});

test.serial('a lease is made to last and to end again, its value as it was', async (t) => {
  if (!hasEtcd(t)) return;
  const { endpoint, flanneld, put, grant, get } = await scene(t);
  await put(LEASE, VALUE, await grant(60));
  await put(`${PREFIX}/nodes/n1`, '{"NodeID":"n1","Host":"web1"}');
  t.is((await flanneld('leases reserve 10.5.9.0/24 --yes')).code, 0);
  t.is(await leaseOf(endpoint, LEASE), '0');
  t.is(await get(LEASE), VALUE);
  const released = await flanneld('leases release 10.5.9.7 --yes');
  t.is(released.code, 0, released.err);
  t.not(await leaseOf(endpoint, LEASE), '0');
  t.is(await get(LEASE), VALUE);
  const refused = await flanneld('leases release 10.5.9.0/24 --yes');
  t.is(refused.code, 1);
  t.regex(refused.err, /alive and would claim 10\.5\.9\.0\/24 again.*flanneld leases revoke/);
});

test.serial('a subnet is reserved for a node, for nobody, and not where another one has it', async (t) => {
  if (!hasEtcd(t)) return;
  const { flanneld, get } = await scene(t);
  t.is((await flanneld('leases reserve 10.5.20.0/24 --node-id n7 --public-ip 192.168.50.7 --yes')).code, 0);
  t.regex(await get(`${PREFIX}/subnets/10.5.20.0-24`), /"192\.168\.50\.7".*"NodeID":"n7"/);
  t.is((await flanneld('leases reserve 10.5.21.0/24 --yes')).code, 0);
  t.regex(await get(`${PREFIX}/subnets/10.5.21.0-24`), /"PublicIP":"0\.0\.0\.0"/);
  t.is((await flanneld('leases release 10.5.21.0/24 --yes')).code, 0);
  t.is(await get(`${PREFIX}/subnets/10.5.21.0-24`), '');
  const taken = await flanneld('leases reserve 10.5.20.0/24 --node-id n8 --yes');
  t.deepEqual([taken.code, /reserved by node n7/.test(taken.err)], [1, true]);
  const outside = await flanneld('leases reserve 10.6.0.0/24 --yes');
  t.deepEqual([outside.code, /hands out no such subnet/.test(outside.err)], [1, true]);
});

test.serial('revoke leaves its marker, release ends the marker', async (t) => {
  if (!hasEtcd(t)) return;
  const { endpoint, flanneld, put, grant, get } = await scene(t);
  await put(LEASE, VALUE, await grant(60));
  const revoked = await flanneld('leases revoke 10.5.9.0/24 --for 1h --yes --json');
  t.deepEqual(JSON.parse(revoked.out), {
    network: 'network',
    prefix: PREFIX,
    subnet: '10.5.9.0-24',
    verb: 'revoke',
    changed: true,
    change: 'revoke',
  });
  t.is(await get(LEASE), '');
  t.is(await get(`${PREFIX}/revoked/10.5.9.0-24`), '{"NodeID":"n1"}');
  t.not(await leaseOf(endpoint, `${PREFIX}/revoked/10.5.9.0-24`), '0');
  t.is((await flanneld('leases release 10.5.9.0/24 --yes')).code, 0);
  t.is(await get(`${PREFIX}/revoked/10.5.9.0-24`), '');
  t.regex((await flanneld('leases release 10.5.9.0/24 --yes')).out, /is free already/);
});

test.serial('nothing is changed without a yes, nor where the store has moved on meanwhile', async (t) => {
  if (!hasEtcd(t)) return;
  const { flanneld, put, grant, get } = await scene(t);
  await put(LEASE, VALUE, await grant(60));
  const piped = await flanneld('leases revoke 10.5.9.0/24');
  t.deepEqual([piped.code, /--yes/.test(piped.err)], [2, true], piped.err);
  t.regex(piped.err, /Pods on 10\.5\.9\.0\/24 are not reachable any more/);
  for (const typed of ['n\n', '\n', '', 'yesterday\n'])
    t.is((await flanneld('leases revoke 10.5.9.0/24', typed)).code, 1);
  t.is(await get(LEASE), VALUE);
  const other = VALUE.replace('192.168.50.2', '192.168.50.9');
  for (const words of [
    'leases revoke 10.5.9.0/24',
    'leases release 10.5.9.0/24',
    'leases reserve 10.5.9.0/24',
  ]) {
    await put(LEASE, VALUE, await grant(60));
    const late = await flanneld(words, async () => {
      await put(LEASE, other, await grant(60));
      return 'y\n';
    });
    t.deepEqual([late.code, /look again|list again/.test(late.err)], [1, true], late.err);
    t.is(await get(LEASE), other);
  }
  t.is((await flanneld('leases revoke 10.5.9.0/24', 'y\n')).code, 0);
  t.is(await get(LEASE), '');
});

test.serial('what the store refuses names the object and the remedy, and no secret', async (t) => {
  if (!hasEtcd(t)) return;
  const env = {
    FLANNELD_ETCD_ENDPOINTS: 'http://127.0.0.1:1',
    FLANNELD_ETCD_USERNAME: 'root',
    FLANNELD_ETCD_PASSWORD: 'hunter2-secret',
  };
  for (const words of [
    'leases list',
    'networks list',
    'leases revoke 10.5.9.0/24 --yes',
    'leases list --help',
  ]) {
    const { code, out, err } = await command(words.split(' '), { env });
    t.is(code, words.includes('--help') ? 0 : 1, words);
    t.notRegex(out + err, /hunter2/, words);
  }
  const { code, err } = await command(
    ['leases', 'list', '--etcd-password=hunter2-secret', '--etcd-username='],
    { env: {} },
  );
  t.deepEqual([code, err.includes('hunter2')], [2, false], err);
});
