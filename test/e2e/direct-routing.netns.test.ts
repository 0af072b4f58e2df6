// vxlan with DirectRouting: peers on the wire get plain routes, the others the tunnel, and a peer that moves from
// one to the other takes its traffic along within a second.

import test, { type ExecutionContext } from 'ava';
import type { Member } from '../../src/lab/cluster.js';
import { viewDevice } from '../../src/lab/kernel-view.js';
import { ping, Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { ourRoutes } from '../helpers/host-gw.js';
import { baseOf, canMakeHosts, DEVICE, makeCluster, member } from '../helpers/lab.js';

const CONFIG = {
  Network: '10.5.0.0/16',
  SubnetMax: '10.5.199.0',
  Backend: { Type: 'vxlan', DirectRouting: true },
} as const;

/** What arrives on the wire at `to` of a ping from pod to pod: its own addresses, or those of the tunnel. */
async function onTheWire(t: ExecutionContext, from: Member, to: Member): Promise<string> {
  const filter = `udp port 8472 or (icmp[0] == 8 and dst ${to.pod.address})`;
  const capture = to.host.spawn('tcpdump', [
    '-lni',
    'eth0',
    '-Q',
    'in',
    '--immediate-mode',
    '-c',
    '1',
    filter,
  ]);
  await until(() => capture.output.text().includes('listening on'), {
    what: 'tcpdump to listen',
    state: () => capture.output.text(),
  });
  t.is((await ping(from.pod, to.pod.address)).received, 1);
  await capture.exited;
  return capture.output.text();
}

test.serial(
  'on the wire without encapsulation, off the wire in the tunnel, and back within 1 s',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 3, { config: CONFIG });
    const [one, two, three] = [member(cluster, 0), member(cluster, 1), member(cluster, 2)];
    const [own, peer, third] = await Promise.all([one, two, three].map(({ host }) => cluster.leaseOf(host)));
    if (own === undefined || peer === undefined || third === undefined) throw new Error('three leases');
    const direct = `${peer.subnet} via ${two.host.address} dev eth0 proto 241`;
    const tunnelled = `${peer.subnet} via ${baseOf(peer.subnet)} dev ${DEVICE} proto 241 onlink`;
    const others = `${third.subnet} via ${three.host.address} dev eth0 proto 241`;
    const held = (): Promise<string[]> => ourRoutes(one.host);

    t.deepEqual((await held()).sort(), [direct, others].sort());
    const view = await viewDevice(one.host, DEVICE);
    t.deepEqual([view?.neighbours, view?.fdb], [[], []], 'a direct peer has nothing on the device');
    t.is((await one.host.subnetEnv()).mtu, 1450, 'pods must fit the tunnel as well');
    t.regex(await onTheWire(t, one, two), new RegExp(`IP ${one.pod.address} > ${two.pod.address}: ICMP`));

    const pinger = await Pinger.start(one.pod, two.pod.address);
    const detour = `${two.host.address}/32 via ${cluster.lab.wireAddress}`;
    const times: number[] = [];
    for (const [command, expected] of [
      [`route add ${detour}`, tunnelled],
      [`route delete ${detour}`, direct],
    ] as const) {
      const at = performance.now();
      await one.host.ip([command]);
      await until(async () => (await held()).includes(expected), {
        what: expected,
        timeoutMs: 3000,
        state: held,
      });
      times.push(Math.round(performance.now() - at));
      await pinger.more(20);
      t.true((await held()).includes(others), 'the other peer stays as it is');
      if (expected === tunnelled) {
        t.regex(await onTheWire(t, one, two), /OTV|VXLAN/, 'through the tunnel');
        const { neighbours, fdb } = (await viewDevice(one.host, DEVICE)) ?? {};
        t.deepEqual([neighbours?.length, fdb?.length], [1, 1]);
      }
    }
    const report = await pinger.stop();
    t.log({ movedMs: times, ...report });
    for (const ms of times) t.true(ms < 1000, `moved after ${ms} ms`);
    t.true(report.longestGapMs < 1000, `traffic stood still for ${report.longestGapMs} ms`);
    await until(async () => (await viewDevice(one.host, DEVICE))?.fdb.length === 0, {
      what: 'the entries of the tunnel to go',
    });
  },
);
