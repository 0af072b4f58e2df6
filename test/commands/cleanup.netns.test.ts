// `flanneld cleanup` on hosts with a real daemon: what it has made goes, after a kill too, and what others have made,
// called as if it were ours, stays. What a host holds as text is the witness.

import { resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Host } from '../../src/lab/host.js';
import type { RunResult } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts } from '../helpers/lab.js';
import {
  hostState,
  makeNetworksCluster,
  putNetwork,
  vxlanNetwork,
  type NetworksMember,
} from '../helpers/networks-lab.js';
import type { Cluster } from '../../src/lab/cluster.js';

const BIN = resolve(import.meta.dirname, '../../../bin/flanneld');

function cleanup(host: Host, ...words: readonly string[]): Promise<RunResult> {
  return host.exec(process.execPath, [BIN, 'cleanup', ...words]);
}

/** Somebody else's things that are called like ours. */
async function addForeign(host: Host): Promise<void> {
  await host.ip([
    'link add flannel.1 type vxlan id 1 dstport 8472 local 192.168.50.1 nolearning',
    'link set flannel.1 up',
    'link add flannel-x type bridge',
    'link set flannel-x alias upstream:blue',
    'route add 172.30.0.0/24 dev lo proto 241',
    'route add 10.20.77.0/24 dev lo proto static metric 7',
  ]);
  await host.must('nft', [
    'add table ip flannel-both; add chain ip flannel-both forward; add chain ip flannel-both mine; add table ip flannel-mine; add chain ip flannel-mine mine',
  ]);
  for (const line of [
    '-P FORWARD DROP',
    '-t nat -N FLANNEL-POSTRTG',
    '-t nat -A FLANNEL-POSTRTG -s 10.99.0.0/16 -j RETURN',
    '-t nat -A POSTROUTING -j FLANNEL-POSTRTG',
  ])
    await host.must('iptables', line.split(' '));
  await host.must('mkdir', ['-p', '/var/lib/flannel']);
  await host.writeFile(
    '/run/flannel/subnet.env',
    'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  );
}

interface Scene {
  readonly cluster: Cluster;
  readonly one: NetworksMember;
  readonly before: string;
}

/** Two hosts with a vxlan network, a host-gw and a udp one, and rules of all kinds. */
async function scene(t: ExecutionContext): Promise<Scene> {
  const { cluster, members } = await makeNetworksCluster(t, 2, ['-ip-masq', '-ip-blackhole-route']);
  const [one] = members;
  if (one === undefined) throw new Error('there is no host');
  await addForeign(one.host);
  // Its daemon runs, and may have made its socket already.
  const before = withoutSockets(await hostState(one.host));
  await putNetwork(cluster, members, 'blue', vxlanNetwork(20));
  await putNetwork(
    cluster,
    members,
    'red',
    JSON.stringify({ Network: '10.21.0.0/16', Backend: { Type: 'host-gw' } }),
  );
  // A TUN, and the chains of iptables.
  const gray = { Network: '10.22.0.0/16', EnableNFTables: false, Backend: { Type: 'udp' } };
  await putNetwork(cluster, members, 'gray', JSON.stringify(gray));
  return { cluster, one, before };
}

function withoutSockets(state: string): string {
  return state
    .split('\n')
    .filter((line) => !/flanneld[\w.-]*\.sock/.test(line))
    .join('\n');
}

/** Without what comes and goes by itself. */
function stable(state: string): readonly string[] {
  return state.split('\n').filter((line) => !/\/lock$|flanneld.*\.sock$/.test(line));
}

test.serial(
  'a living daemon is refused; after a kill everything of ours goes, and nothing else',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const { one, before } = await scene(t);
    const { host, flanneld } = one;
    const running = await hostState(host);
    const refused = await cleanup(host, '--yes');
    t.is(refused.code, 1);
    t.regex(refused.stderr, /network blue is run by process \d+.*systemctl stop flanneld/);
    t.deepEqual(stable(await hostState(host)), stable(running));

    await flanneld.stop('SIGKILL');
    const killed = await withoutEngine(host);
    const unasked = await cleanup(host);
    t.deepEqual([unasked.code, /--yes/.test(unasked.stderr)], [2, true], unasked.stderr);
    const dry = await cleanup(host, '--dry-run');
    t.is(dry.code, 0, dry.stderr);
    t.is(await hostState(host), killed, 'a dry run changes nothing');
    for (const object of [
      'device flannel.20',
      'device flannel0',
      'iptables table nat',
      'nft chain ip filter FLANNEL-FWD',
      'nft table ip flannel-blue',
      'env file',
      'status file',
      'state folder',
    ])
      t.true(dry.stdout.includes(`would remove ${object}`), `${object}\n${dry.stdout}`);
    for (const stays of [
      'flannel.1 stays',
      'flannel-both stays: it holds a chain mine',
      'flannel-mine stays',
      '172.30.0.0/24',
      'subnet.env stays',
    ])
      t.true(dry.stderr.includes(stays), `${stays}\n${dry.stderr}`);

    const done = await cleanup(host, '--yes');
    t.is(done.code, 0, done.stderr);
    t.is(done.stdout.replaceAll('removed ', 'would remove '), dry.stdout, 'it does what it said');
    t.is(await hostState(host), before);
    const again = await cleanup(host, '--yes');
    t.deepEqual([again.code, again.stdout], [0, 'nothing of flanneld’s is left to remove\n'], again.stderr);
  },
);

test.serial('one network of two, an interrupted run, and the leases given back', async (t) => {
  if (!canMakeHosts(t)) return;
  const { cluster, one, before } = await scene(t);
  const { host, flanneld } = one;
  await flanneld.stop();
  const etcd = [`--etcd-endpoints=${cluster.daemonOptions().etcdEndpoint}`];
  const wrong = await cleanup(host, '--network=green', '--yes');
  t.deepEqual(
    [wrong.code, /there is something of blue, gray, red/.test(wrong.stderr)],
    [1, true],
    wrong.stderr,
  );

  t.is((await cleanup(host, '--network=red', '--release', ...etcd, '--yes')).code, 0);
  const keys = async (name: string): Promise<number> =>
    (await cluster.store.list(`/flannel/networks/${name}/subnets/`)).length;
  t.deepEqual([await keys('red'), await keys('blue')], [1, 2]);
  t.regex(await hostState(host), /flannel\.20/);

  // As if killed in the middle: the device and a rule are gone, the rest is there.
  await host.ip(['link delete flannel.20']);
  await host.must('nft', ['delete', 'table', 'ip', 'flannel-blue']);
  const rest = await cleanup(host, '--release', ...etcd, '--yes', '--json');
  t.is(rest.code, 0, rest.stderr);
  t.true(
    (JSON.parse(rest.stdout) as { steps: { removed: boolean }[] }).steps.every(({ removed }) => removed),
  );
  t.is(await keys('blue'), 1);
  t.is(await hostState(host), before);
});

/** The host's state when its TUN has no carrier any more: the kernel tells that a second late. */
function withoutEngine(host: Host): Promise<string> {
  return until(
    async () => {
      const text = await hostState(host);
      return /^flannel0: <(?!NO-CARRIER)/m.test(text) ? undefined : text;
    },
    { what: 'the TUN to lose its carrier' },
  );
}
