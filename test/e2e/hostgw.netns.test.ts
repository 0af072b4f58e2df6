// Three hosts with host-gw: what pods can do, what the kernel holds, and that the daemon minds its own routes only.
// What happens when somebody changes them is hostgw-repair.netns.test.ts.
//
//   pod1 ─ cni0 host1 eth0 ─┐
//   pod1 ─ cni0 host2 eth0 ─┼─ wire, etcd
//   pod1 ─ cni0 host3 eth0 ─┘

import test from 'ava';
import { Flanneld } from '../../src/lab/flanneld.js';
import { ping, Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { detailedRoutes, HOST_GW, inventedGateway, ourRoutes, routes } from '../helpers/host-gw.js';
import { canMakeHosts, flanneldCommand, makeCluster, member, restart, upstreamPart } from '../helpers/lab.js';

test.serial('every pair, full size, two hops; the routes are those that are made by hand', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 3, { config: HOST_GW });
  for (const from of cluster.members) {
    for (const to of cluster.members) {
      if (from === to) continue;
      const report = await ping(from.pod, to.pod.address, { count: 3, intervalSeconds: 0.01 });
      t.is(report.received, 3, `${from.pod.name} to ${to.pod.name}:\n${report.text}`);
      t.is(report.ttl, 62, `two routers lie between ${from.pod.name} and ${to.pod.name}`);
    }
  }
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const full = await ping(one.pod, two.pod.address, { size: 1472, dontFragment: true });
  t.is(full.received, 1, `1472 bytes fit in 1500:\n${full.text}`);
  const over = await ping(one.pod, two.pod.address, { size: 1473, dontFragment: true });
  t.is(over.received, 0, `1473 bytes do not:\n${over.text}`);

  const leases = await cluster.leases();
  const byHand = leases
    .filter(({ publicIp }) => publicIp !== one.host.address)
    .map(({ subnet, publicIp }) => `route add ${subnet} via ${publicIp} dev eth0 proto 241 table 77`);
  await one.host.ip(byHand);
  const ours = (await detailedRoutes(one.host, 'main')).filter((line) => line.includes('proto 241'));
  t.deepEqual(ours, await detailedRoutes(one.host, '77'));
  t.is(ours.length, 2);

  const own = await cluster.leaseOf(one.host);
  t.is(upstreamPart(own.value), '{"PublicIP":"192.168.50.1","PublicIPv6":null,"BackendType":"host-gw"}');
  t.is(
    await one.host.readFile('/run/flannel/subnet.env'),
    `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=${own.subnet.replace('.0/24', '.1/24')}\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n`,
  );
  t.notRegex(await one.host.must('ip', ['-br', 'link']), /flannel/, 'no device is made');
});

test.serial(
  'peers that leave, move and stay away while the daemon is down; others’ routes stay',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 2, { config: HOST_GW });
    const one = member(cluster, 0);
    const otherPrefix = '/coreos.com/other';
    await cluster.store.put(
      `${otherPrefix}/config`,
      '{"Network":"10.6.0.0/16","Backend":{"Type":"host-gw"}}',
    );
    await cluster.store.put(
      `${otherPrefix}/subnets/10.6.200.0-24`,
      '{"PublicIP":"192.168.50.2","BackendType":"host-gw"}',
    );
    const [gone, moved] = [inventedGateway(201), inventedGateway(202)];
    await cluster.store.put(gone.key, gone.value);
    await cluster.store.put(moved.key, moved.value);
    const other = Flanneld.start(one.host, {
      ...cluster.daemonOptions(),
      args: [`-etcd-prefix=${otherPrefix}`, '-subnet-file=/run/flannel/other.env'],
    });
    const foreign = [
      '10.5.240.0/24 via 192.168.50.254 dev eth0 proto static',
      '10.6.200.0/24 via 192.168.50.2 dev eth0 proto 241',
      '10.7.1.0/24 via 192.168.50.254 dev eth0 proto 241',
      'blackhole 10.5.241.0/24 metric 500',
    ];
    await one.host.ip(foreign.filter((line) => !line.startsWith('10.6')).map((line) => `route add ${line}`));
    const has = async (line: string): Promise<boolean> => (await routes(one.host)).includes(line);
    const state = (): Promise<string[]> => routes(one.host);
    for (const line of [
      ...foreign,
      `${gone.subnet} via ${gone.publicIp} dev eth0 proto 241`,
      `${moved.subnet} via ${moved.publicIp} dev eth0 proto 241`,
    ]) {
      await until(() => has(line), { what: `the route ${line}`, state });
    }

    const monitor = one.host.spawn('ip', ['-o', 'monitor', 'route']);
    await one.flanneld.stop('SIGKILL');
    await cluster.store.delete(gone.key);
    const now = inventedGateway(202, '192.168.50.222');
    await cluster.store.put(now.key, now.value);
    const pinger = await Pinger.start(one.pod, member(cluster, 1).pod.address);
    await restart(cluster, one);
    await until(() => has(`${now.subnet} via ${now.publicIp} dev eth0 proto 241`), {
      what: 'the gateway that changed meanwhile',
      timeoutMs: 3000,
      state,
    });
    await until(async () => !(await routes(one.host)).some((line) => line.startsWith(gone.subnet)), {
      what: 'the route of the peer that left meanwhile to go',
      timeoutMs: 3000,
      state,
    });
    const again = inventedGateway(202);
    await cluster.store.put(again.key, again.value);
    await until(() => has(`${again.subnet} via ${again.publicIp} dev eth0 proto 241`), {
      what: 'the gateway that changed under our eyes',
      timeoutMs: 3000,
      state,
    });
    t.is((await pinger.stop()).lost, 0);
    const deleted = monitor.output.tail(100).filter((line) => line.startsWith('Deleted'));
    t.is(deleted.length, 1, `only the route of the peer that left goes:\n${deleted.join('\n')}`);
    t.true(deleted[0]?.includes(gone.subnet));
    for (const line of foreign) t.true(await has(line), `${line} is still there`);
    t.is(other.process.exit, undefined, 'the other daemon still runs');
  },
);

test.serial(
  'a peer that is not on the wire is told with its address and why, and comes when it is',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 1, { config: HOST_GW });
    const one = member(cluster, 0);
    const [far, near] = [inventedGateway(210, '192.168.60.9'), inventedGateway(211)];
    await cluster.store.put(far.key, far.value);
    await cluster.store.put(near.key, near.value);
    const log = (): string => one.flanneld.process.output.text();
    await until(async () => (await ourRoutes(one.host)).length === 1, {
      what: 'the route of the peer on the wire',
      state: () => ourRoutes(one.host),
    });
    t.regex(
      log(),
      /10\.5\.210\.0-24[^\n]*host-gw reaches only peers on the wire of eth0: 192\.168\.60\.9 is behind the gateway 192\.168\.50\.254/,
    );
    t.notRegex(log(), /kernel state is not as wanted/, 'nothing is attempted blindly');

    const at = performance.now();
    await one.host.ip(['address add 192.168.60.1/24 dev eth0']);
    await until(async () => (await ourRoutes(one.host)).length === 2, { what: 'the other peer’s route' });
    const took = performance.now() - at;
    t.log(`on the wire after ${took.toFixed(0)} ms`);
    t.true(took < 1000, `it took ${took} ms`);
    await one.host.ip(['address delete 192.168.60.1/24 dev eth0']);
    await until(async () => (await ourRoutes(one.host)).length === 1, { what: 'its route to go' });

    // The same wire, but through another interface.
    await one.host.ip([
      'link add eth9 type veth peer name eth9p',
      'address add 192.168.60.1/24 dev eth9',
      'link set eth9 up',
    ]);
    await until(() => log().includes('192.168.60.9 is on that of eth9'), {
      what: 'the new reason',
      state: log,
    });
    t.is((await ourRoutes(one.host)).length, 1);
  },
);

test.serial('behind a NAT it waits and says so in upstream’s words', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 0, { config: HOST_GW });
  const host = await cluster.lab.addHost();
  const flanneld = Flanneld.start(host, {
    command: flanneldCommand(),
    etcdEndpoint: cluster.endpoint,
    args: ['-iface=eth0', '-public-ip=203.0.113.7'],
  });
  await until(
    () =>
      flanneld.process.output
        .text()
        .includes(
          "your PublicIP differs from interface IP, meaning that probably you're on a NAT, which is not supported by host-gw backend",
        ),
    { what: 'the reason', state: () => flanneld.log() },
  );
  t.deepEqual(await cluster.leases(), []);
  t.is((await flanneld.stop()).code, 0);
});
