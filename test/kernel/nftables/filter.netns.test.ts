// The peer filter against real VXLAN packets, crafted by a sender that is no VXLAN device.
//
//   sender 192.168.50.2 (peer), 192.168.50.9 (no peer) ── eth0 ── victim 192.168.50.1 with flannel.1 and flannel.7

import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { until } from '../../../src/lab/until.js';
import { hasRoot, Netns } from '../../helpers/netns.js';
import { listed, nftWorldIn, rules, wire, type NftWorld } from './world.js';

const SENDER = fileURLToPath(new URL('../../fixtures/nftables/vxlan-sender.js', import.meta.url));
const MAC = '02:00:00:00:00:01';
const [PEER, FOREIGN] = ['192.168.50.2', '192.168.50.9'];

interface Victim extends NftWorld {
  /** Sends one packet, and resolves to how many packets each device and each drop counter gained. */
  readonly send: (packet: {
    readonly from: string;
    readonly vni?: number;
    readonly inner?: string;
  }) => Promise<{ readonly delivered: number; readonly dropped: Readonly<Record<string, number>> }>;
}

async function withVictim(t: ExecutionContext, body: (victim: Victim) => Promise<void>): Promise<void> {
  if (!hasRoot(t)) return;
  const [netns, sender] = [await Netns.create(), await Netns.create()];
  try {
    await wire(netns, sender, 'eth0', '192.168.50.1/24', `${PEER}/24`);
    await sender.sh(`ip addr add ${FOREIGN}/24 dev eth0`);
    for (const vni of [1, 7]) {
      await netns.sh(
        `ip link add flannel.${vni} address ${MAC} type vxlan id ${vni} local 192.168.50.1 dev eth0 dstport 8472 nolearning`,
      );
      await netns.sh(`ip addr add 10.${vni === 1 ? 5 : 7}.50.0/32 dev flannel.${vni}`);
      await netns.sh(`ip link set flannel.${vni} up`);
    }
    // Anything that is delivered by a tunnel is counted, whatever its source: no reverse path check here.
    await netns.exec('sh', '-c', 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done');
    const world = nftWorldIn(netns);
    await world.nft(
      'add table ip seen',
      'add chain ip seen in { type filter hook input priority 0 ; }',
      'add counter ip seen delivered',
      'add rule ip seen in udp dport 9 counter name delivered',
    );
    await body({ ...world, send: (packet) => send(world, sender, packet) });
  } finally {
    await Promise.all([netns.close(), sender.close()]);
  }
}

async function totals(world: NftWorld): Promise<ReadonlyMap<string, number>> {
  const seen = await listed(world.netns, 'counter ip seen delivered');
  const dropped = await world.engine.dropped('blue', 4);
  return new Map([
    ['delivered', Number(/packets (\d+)/.exec(seen)?.[1])],
    ...[...dropped].map(([name, { packets }]) => [name, packets] as const),
  ]);
}

// A veth and a tunnel hand a packet on in softirq: it has arrived, or was dropped, when one of the numbers moved.
async function send(
  world: NftWorld,
  sender: Netns,
  { from, vni = 1, inner = '10.5.7.7' }: Parameters<Victim['send']>[0],
): ReturnType<Victim['send']> {
  const before = await totals(world);
  const to = vni === 1 ? '10.5.50.0' : '10.7.50.0';
  await sender.exec(process.execPath, SENDER, from, '192.168.50.1', '8472', String(vni), MAC, inner, to);
  return until(
    async () => {
      const after = await totals(world);
      const gained = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
      const { delivered = 0, ...dropped } = Object.fromEntries(gained.filter(([, value]) => value > 0));
      return gained.some(([, value]) => value > 0) && { delivered, dropped };
    },
    { what: `the packet from ${from} to be delivered or dropped` },
  );
}

test('a packet from no peer is dropped and counted, one from a peer is delivered', async (t) => {
  await withVictim(t, async ({ engine, send: packet, netns }) => {
    t.deepEqual(await packet({ from: FOREIGN }), { delivered: 1, dropped: {} });
    await engine.apply(rules({ peers: new Set(rules().peers) }));
    t.deepEqual(await packet({ from: FOREIGN }), { delivered: 0, dropped: { foreign_source: 1 } });
    t.deepEqual(await packet({ from: PEER }), { delivered: 1, dropped: {} });
    await engine.apply(rules({ peers: new Set() }));
    t.deepEqual(await packet({ from: PEER }), { delivered: 0, dropped: { foreign_source: 1 } });
    await engine.apply(rules({ filter: 'off' }));
    t.deepEqual(await packet({ from: FOREIGN }), { delivered: 1, dropped: {} });
    t.notRegex(await listed(netns, 'table ip flannel-blue'), /8472/);
  });
});

test('another VNI on the same port is not ours to judge', async (t) => {
  await withVictim(t, async ({ engine, send: packet }) => {
    await engine.apply(rules());
    t.deepEqual(await packet({ from: FOREIGN, vni: 7 }), { delivered: 1, dropped: {} });
    t.deepEqual(await packet({ from: FOREIGN, vni: 1 }), { delivered: 0, dropped: { foreign_source: 1 } });
  });
});

test('an inner source in our own subnet is dropped; strict drops what is outside the overlay too', async (t) => {
  await withVictim(t, async ({ engine, send: packet }) => {
    await engine.apply(rules());
    t.deepEqual(await packet({ from: PEER, inner: '10.5.50.66' }), {
      delivered: 0,
      dropped: { own_source: 1 },
    });
    t.deepEqual(await packet({ from: PEER, inner: '172.16.0.1' }), { delivered: 1, dropped: {} });
    await engine.apply(rules({ filter: 'strict' }));
    t.deepEqual(await packet({ from: PEER, inner: '172.16.0.1' }), {
      delivered: 0,
      dropped: { outside_source: 1 },
    });
    t.deepEqual(await packet({ from: PEER }), { delivered: 1, dropped: {} });
  });
});

test('a pod cannot send into a host’s tunnel with the address masquerading would give it', async (t) => {
  await withVictim(t, async (victim) => {
    const { netns, engine } = victim;
    const pod = await Netns.create();
    try {
      await wire(netns, pod, 'pod', '10.5.50.1/24', '10.5.50.2/24');
      await pod.sh('ip route add default via 10.5.50.1');
      await netns.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      const { masquerade, ...plain } = rules();
      for (const wanted of [
        { ...plain, masquerade: { fullyRandom: masquerade?.fullyRandom ?? true } },
        plain,
      ]) {
        await engine.apply(wanted);
        const before = (await totals(victim)).get('encapsulated_forward') ?? 0;
        const inner = ['10.5.50.2', PEER, '8472', '1', MAC, '10.5.7.7', '10.5.2.2'];
        await pod.exec(process.execPath, SENDER, ...inner);
        const counted = async (): Promise<number> =>
          ((await totals(victim)).get('encapsulated_forward') ?? 0) - before;
        t.is(await until(counted, { what: 'the packet of the pod to be dropped' }), 1);
      }
    } finally {
      await pod.close();
    }
  });
});

test('a later fragment that holds the port’s number where a port would be is not a packet to the port', async (t) => {
  await withVictim(t, async (victim) => {
    const { netns, engine } = victim;
    const pod = await Netns.create();
    try {
      await wire(netns, pod, 'pod', '10.5.50.1/24', '10.5.50.2/24');
      await pod.sh('ip route add default via 10.5.50.1');
      await netns.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      // Masquerading would put fragments together before they are looked at.
      const { masquerade, ...plain } = rules();
      t.truthy(masquerade);
      await engine.apply({ ...plain, tunnel: { device: 'flannel0', port: 8285 } });
      // 8285 is 0x205d: every fragment but the first begins with it, and again.
      const send = (port: number, bytes: number): Promise<string> =>
        pod.exec(
          process.execPath,
          '-e',
          `const s = require('dgram').createSocket('udp4'); s.send(Buffer.alloc(${bytes}, '205d', 'hex'), ${port}, '${PEER}', () => s.close())`,
        );
      await send(9000, 6000);
      await send(8285, 100);
      const dropped = async (): Promise<number> => (await totals(victim)).get('encapsulated_forward') ?? 0;
      t.is(await until(dropped, { what: 'the packet to the port to be dropped' }), 1);
    } finally {
      await pod.close();
    }
  });
});
