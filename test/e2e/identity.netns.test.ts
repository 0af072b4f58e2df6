// Which node is which: a cloned machine, a host that was set up anew, a killed daemon, an address that changes.
// Hosts are namespaces with their own machine-id and state; the store and the kernel are real.

import { randomUUID } from 'node:crypto';
import test from 'ava';
import { Flanneld } from '../../src/lab/flanneld.js';
import type { Host } from '../../src/lab/host.js';
import { Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, makeCluster, member, restart } from '../helpers/lab.js';

const PREFIX = '/coreos.com/network';

function setMachineId(host: Host, id = randomUUID().replaceAll('-', '')): Promise<void> {
  return host.writeFile('/etc/machine-id', `${id}\n`);
}

/** Waits until the daemon has said so. */
function says(flanneld: Flanneld, pattern: RegExp): Promise<string> {
  return until(() => flanneld.process.output.tail(200).find((line) => pattern.test(line)), {
    what: `the log to match ${String(pattern)}`,
    timeoutMs: 20_000,
    state: () => flanneld.log(),
  });
}

test.serial(
  'a cloned machine-id: the second host is refused by name, and the first keeps subnet and traffic',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 2);
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const before = await cluster.leases();
    const pinger = await Pinger.start(two.pod, one.pod.address);
    const clone = await cluster.lab.addHost();
    await setMachineId(clone, (await one.host.readFile('/etc/machine-id')).trim());

    const refused = Flanneld.start(clone, cluster.daemonOptions());
    const line = await says(refused, /same\s+node id/);
    t.regex(line, /host host1,/);
    t.regex(line, /host host3,/);
    t.regex(line, /machine-id.*-node-id/);
    await pinger.more(50);
    t.deepEqual(
      (await cluster.leases()).map(({ key, value }) => [key, value]),
      before.map(({ key, value }) => [key, value]),
    );
    t.is((await pinger.stop()).lost, 0);
    t.is(one.flanneld.process.exit, undefined);

    await refused.stop();
    // The remedy it names.
    const told = await Flanneld.up(clone, cluster.daemonOptions({ args: ['-node-id=host3'] }));
    t.regex((await cluster.leaseOf(clone)).value, /"NodeID":"host3"/);
    await told.stop();
  },
);

test.serial('a second host with our public address is refused by name while we are alive', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 1);
  const one = member(cluster, 0);
  const other = await cluster.lab.addHost();
  const args = ['-iface=eth0', `-public-ip=${one.host.address}`];
  const refused = Flanneld.start(other, cluster.daemonOptions({ args }));
  const line = await says(refused, /same public address/);
  t.regex(line, /host host1,/);
  t.regex(line, /-public-ip/);
  t.is((await cluster.leases()).length, 1);
  await refused.stop();
});

test.serial('a host that was set up anew has its subnet back', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 2);
  const one = member(cluster, 0);
  const before = await cluster.leaseOf(one.host);
  await one.flanneld.stop('SIGTERM');
  await setMachineId(one.host);
  await one.host.must('rm', ['-rf', '/var/lib/flannel', '/run/flannel']);
  await one.host.ip(['link delete flannel.1']);
  await restart(cluster, one);
  const after = await cluster.leaseOf(one.host);
  t.is(after.key, before.key);
  t.not(after.value, before.value, 'it is another node');
  t.is(after.vtepMac, before.vtepMac, 'with the MAC its peers know');
  t.is((await cluster.leases()).length, 2);
  await cluster.connected();
});

test.serial(
  'kill -9 and a restart wait for nothing, though the life before is still announced',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 2);
    const one = member(cluster, 0);
    const nodes = (): Promise<readonly { key: string; value: string }[]> =>
      cluster.store.list(`${PREFIX}/nodes/`);
    const before = await nodes();
    t.is(before.length, 2);
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      await one.flanneld.stop('SIGKILL');
      t.is((await nodes()).length, 2);
      await restart(cluster, one);
      times.push(performance.now() - one.flanneld.startedAt);
    }
    t.log(times);
    t.false(one.flanneld.process.output.text().includes('waiting'));
    t.true(one.flanneld.process.output.text().includes('taking the place of our last life'));
  },
);

test.serial('an address that changes is announced on the same subnet, without a restart', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 3);
  const one = member(cluster, 0);
  const before = await cluster.leaseOf(one.host);
  await one.host.ip([
    'address delete 192.168.50.1/24 dev eth0',
    'address add 192.168.50.101/24 dev eth0',
    'route add default via 192.168.50.254',
  ]);
  const after = await until(
    async () => (await cluster.leases()).find(({ publicIp }) => publicIp === '192.168.50.101'),
    { what: 'the new address to be announced', timeoutMs: 30_000, state: () => one.flanneld.log() },
  );
  t.is(after.key, before.key);
  t.is(after.vtepMac, before.vtepMac);
  t.is(after.etcdLease, before.etcdLease);
  await cluster.connected(30_000);
  t.is(one.flanneld.process.exit, undefined);
});
