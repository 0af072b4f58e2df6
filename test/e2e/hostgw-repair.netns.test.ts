// Somebody breaks what host-gw has made: traffic is back within a second of the moment it can be, measured by a
// ping every 8 ms. IPv4 routes go without an event when their link goes down or loses its address.

import test from 'ava';
import { Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { HOST_GW, inventedGateway, ourRoutes, routes } from '../helpers/host-gw.js';
import { canMakeHosts, makeCluster, member } from '../helpers/lab.js';

interface Damage {
  readonly what: string;
  /** Arguments of `ip` on the first host; `subnet` and `via` are the second's. */
  readonly breaks: (subnet: string, via: string) => string;
  /** What makes a repair possible at all, once no route of ours is left. Absent where it is possible at once. */
  readonly mends?: string;
}

const DAMAGES: readonly Damage[] = [
  { what: 'the route deleted', breaks: (subnet) => `route delete ${subnet}` },
  { what: 'all of ours flushed', breaks: () => 'route flush proto 241' },
  { what: 'another gateway', breaks: (subnet) => `route replace ${subnet} via 192.168.50.254` },
  {
    what: 'another gateway, as a static route',
    breaks: (subnet) => `route replace ${subnet} via 192.168.50.254 proto static`,
  },
  {
    what: 'a wrong route put before it',
    breaks: (subnet) => `route prepend ${subnet} via 192.168.50.254`,
  },
  { what: 'a blackhole in its place', breaks: (subnet) => `route replace blackhole ${subnet}` },
  { what: 'a wrong mark', breaks: (subnet, via) => `route replace ${subnet} via ${via} proto 99` },
  { what: 'the link down and up', breaks: () => 'link set eth0 down', mends: 'link set eth0 up' },
  {
    what: 'the address removed and added',
    breaks: () => 'address delete 192.168.50.1/24 dev eth0',
    mends: 'address add 192.168.50.1/24 dev eth0',
  },
];

test.serial('whatever happens to the routes, the link or the address: back within a second', async (t) => {
  if (!canMakeHosts(t)) return;
  t.timeout(120_000);
  const cluster = await makeCluster(t, 2, { config: HOST_GW });
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const invented = inventedGateway(201);
  await cluster.store.put(invented.key, invented.value);
  const { subnet } = await cluster.leaseOf(two.host);
  const state = (): Promise<string[]> => routes(one.host);
  await until(async () => (await ourRoutes(one.host)).length === 2, { what: 'both routes', state });
  const before = await ourRoutes(one.host);
  const whole = async (): Promise<boolean> => {
    const lines = (await state()).filter((line) => /^(blackhole )?10\.5\.\d+\.0\/24 .*(via|\d+)/.test(line));
    return JSON.stringify(lines.filter((line) => !line.includes('cni0'))) === JSON.stringify(before);
  };
  const times: Record<string, { restoredMs: number; trafficMs: number }> = {};

  for (const { what, breaks, mends } of DAMAGES) {
    const pinger = await Pinger.start(one.pod, two.pod.address);
    await pinger.more(5);
    let since = performance.now();
    await one.host.must('ip', breaks(subnet, two.host.address).split(' '));
    if (mends !== undefined) {
      await until(async () => (await ourRoutes(one.host)).length === 0, { what: 'no route of ours', state });
      await until(() => one.flanneld.log(60).includes('no route leads to 192.168.50.2'), {
        what: 'the peer to be told as out of reach',
        state: () => one.flanneld.log(20),
      });
      since = performance.now();
      await one.host.must('ip', mends.split(' '));
    }
    const replies = pinger.received;
    await until(() => pinger.received > replies + 1, {
      what: `${what}: traffic`,
      timeoutMs: 3000,
      intervalMs: 2,
      state,
    });
    const trafficMs = Math.round(performance.now() - since);
    await until(whole, { what: `${what}: to be as it was`, timeoutMs: 3000, state });
    const restoredMs = Math.round(performance.now() - since);
    const { longestGapMs } = await pinger.stop();
    times[what] = { restoredMs, trafficMs };
    t.true(restoredMs < 1000, `${what}: routes were back after ${restoredMs} ms`);
    t.true(trafficMs < 1000, `${what}: traffic was back after ${trafficMs} ms`);
    if (mends === undefined)
      t.true(longestGapMs < 1000, `${what}: traffic stood still for ${longestGapMs} ms`);
    // A link that was down has lost the host's own default route, which is not ours to bring back.
    await one.host.must('ip', ['route', 'replace', 'default', 'via', '192.168.50.254']);
  }
  t.log('milliseconds until it was back:', times);
});

test.serial(
  'an administrator’s route that was there first is reported, stays, and gives way when removed',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 1, { config: HOST_GW });
    const one = member(cluster, 0);
    const peer = inventedGateway(203);
    const theirs = `${peer.subnet} via 192.168.50.254 dev eth0 proto static`;
    await one.host.ip([`route add ${theirs}`]);
    await cluster.store.put(peer.key, peer.value);
    const log = (): string => one.flanneld.process.output.text();
    await until(() => log().includes('is in its place and is not ours'), { what: 'the report', state: log });
    t.true((await routes(one.host)).includes(theirs));
    const at = performance.now();
    await one.host.ip([`route delete ${theirs}`]);
    await until(async () => (await ourRoutes(one.host)).length === 1, { what: 'our route in its place' });
    t.true(performance.now() - at < 1000);
  },
);
