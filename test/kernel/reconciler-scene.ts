// A reconciler over a kernel in memory, what two peers look like there, and what others may do to it.
// It judges nothing: that is the tests'.

import type { ExecutionContext } from 'ava';
import { Counters } from '../../src/counters.js';
import { MAIN_TABLE, type KernelOperation, type Mac } from '../../src/kernel/kernel.js';
import { Reconciler } from '../../src/kernel/reconciler.js';
import type { WantedKernel } from '../../src/kernel/wanted.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeKernel } from '../fakes/fake-kernel.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

export const MACS = ['7e:18:59:77:82:2a', '7e:18:59:77:82:2b', '7e:18:59:77:82:2c'] as Mac[];

export function wanted(peers: number, more: Partial<WantedKernel> = {}): WantedKernel {
  const each = <T>(make: (peer: number, mac: Mac) => T): T[] =>
    Array.from({ length: peers }, (_, peer) => make(peer + 1, MACS[peer]!));
  return {
    peers: new Set(Array.from({ length: peers }, (_, peer) => ip(`192.168.50.${peer + 2}`))),
    links: [
      {
        name: 'flannel.1',
        mtu: 1450,
        mac: '26:44:e9:b3:44:b5' as Mac,
        vxlan: { vni: 1, port: 8472, learning: false, gbp: false, parent: 'eth0', local: ip('192.168.50.1') },
        settings: { 'net/ipv6/conf/flannel.1/accept_ra': '0' },
      },
    ],
    addresses: [{ link: 'flannel.1', address: cidr('10.5.100.0/32') }],
    neighbours: each((peer, mac) => ({ link: 'flannel.1', ip: ip(`10.5.${peer}.0`), mac })),
    fdb: each((peer, mac) => ({ link: 'flannel.1', mac, dst: ip(`192.168.50.${peer + 1}`) })),
    routes: each((peer) => ({
      dst: cidr(`10.5.${peer}.0/24`),
      via: ip(`10.5.${peer}.0`),
      link: 'flannel.1',
      onlink: true,
    })),
    ...more,
  };
}

export const TWO_PEERS = `links:
  eth0 mtu 1500 address 02:00:00:00:00:01 up
  flannel.1 vxlan mtu 1450 address 26:44:e9:b3:44:b5 vni 1 local 192.168.50.1 dev eth0 port 8472 nolearning up alias "flanneld:network"
addresses:
  10.5.100.0/32 dev flannel.1
  192.168.50.1/24 dev eth0
routes:
  10.5.1.0/24 via 10.5.1.0 dev flannel.1 proto 241 onlink
  10.5.2.0/24 via 10.5.2.0 dev flannel.1 proto 241 onlink
neighbours:
  10.5.1.0 dev flannel.1 lladdr 7e:18:59:77:82:2a PERMANENT
  10.5.2.0 dev flannel.1 lladdr 7e:18:59:77:82:2b PERMANENT
fdb:
  7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.2 self permanent
  7e:18:59:77:82:2b dev flannel.1 dst 192.168.50.3 self permanent`;

export interface Scene {
  readonly kernel: FakeKernel;
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
  readonly reconciler: Reconciler;
  readonly byHand: (...operations: KernelOperation[]) => Promise<void>;
}

export async function scene(t: ExecutionContext, kernel = host(), network = 'network'): Promise<Scene> {
  const [clock, logger, counters] = [new FakeClock(), new RecordingLogger(), new Counters()];
  const scope = { network, ranges: [cidr(network === 'network' ? '10.5.0.0/16' : '10.9.0.0/16')] };
  const reconciler = new Reconciler({ kernel, clock, logger, counters, scope });
  await reconciler.start();
  t.teardown(() => reconciler.stop());
  const byHand = async (...operations: KernelOperation[]): Promise<void> => {
    const errors = await kernel.asOther.apply(operations);
    t.deepEqual(
      errors,
      operations.map(() => undefined),
    );
    await kernel.flush();
  };
  return { kernel, clock, logger, counters, reconciler, byHand };
}

export function host(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addLink({ name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['192.168.50.1/24'] });
  return kernel;
}

export async function settled({ reconciler, kernel }: Scene, state: WantedKernel): Promise<void> {
  reconciler.set(() => state);
  await reconciler.settled();
  await kernel.flush();
}

/** As long as users are promised a repair takes at most. */
export async function repaired({ clock, reconciler, kernel }: Scene): Promise<void> {
  await clock.advance(1_000);
  await reconciler.settled();
  await kernel.flush();
}

/** What somebody may do to a network of two peers. */
export const damage: readonly (readonly [string, (kernel: FakeKernel) => KernelOperation])[] = [
  [
    'the device deleted',
    (k: FakeKernel): KernelOperation => ({ kind: 'link', verb: 'delete', index: k.indexOf('flannel.1') }),
  ],
  [
    'the device set down',
    (k: FakeKernel): KernelOperation => ({
      kind: 'link',
      verb: 'change',
      index: k.indexOf('flannel.1'),
      change: { up: false },
    }),
  ],
  [
    'its MAC rewritten',
    (k: FakeKernel): KernelOperation => ({
      kind: 'link',
      verb: 'change',
      index: k.indexOf('flannel.1'),
      change: { mac: MACS[2]! },
    }),
  ],
  [
    'its MTU changed',
    (k: FakeKernel): KernelOperation => ({
      kind: 'link',
      verb: 'change',
      index: k.indexOf('flannel.1'),
      change: { mtu: 1300 },
    }),
  ],
  [
    'the address removed',
    (k: FakeKernel): KernelOperation => ({
      kind: 'address',
      verb: 'delete',
      address: {
        link: k.indexOf('flannel.1'),
        address: cidr('10.5.100.0/32'),
        scope: 0,
        deprecated: false,
        temporary: false,
        permanent: true,
      },
    }),
  ],
  [
    'a route removed',
    (k: FakeKernel): KernelOperation => ({
      kind: 'route',
      verb: 'delete',
      route: {
        dst: cidr('10.5.1.0/24'),
        table: MAIN_TABLE,
        metric: 0,
        protocol: 241,
        type: 'unicast',
        scope: 0,
        gateway: ip('10.5.1.0'),
        link: k.indexOf('flannel.1'),
        onlink: true,
      },
    }),
  ],
  [
    'a neighbour removed',
    (k: FakeKernel): KernelOperation => ({
      kind: 'neighbour',
      verb: 'delete',
      neighbour: { link: k.indexOf('flannel.1'), ip: ip('10.5.1.0'), mac: MACS[0]!, permanent: true },
    }),
  ],
  [
    'a neighbour’s MAC changed',
    (k: FakeKernel): KernelOperation => ({
      kind: 'neighbour',
      verb: 'replace',
      neighbour: { link: k.indexOf('flannel.1'), ip: ip('10.5.1.0'), mac: MACS[2]!, permanent: true },
    }),
  ],
  [
    'an FDB entry removed',
    (k: FakeKernel): KernelOperation => ({
      kind: 'fdb',
      verb: 'delete',
      entry: { link: k.indexOf('flannel.1'), mac: MACS[0]!, dst: ip('192.168.50.2'), permanent: true },
    }),
  ],
  [
    'an FDB entry pointed elsewhere',
    (k: FakeKernel): KernelOperation => ({
      kind: 'fdb',
      verb: 'replace',
      entry: { link: k.indexOf('flannel.1'), mac: MACS[0]!, dst: ip('192.168.50.77'), permanent: true },
    }),
  ],
];
