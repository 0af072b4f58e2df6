// Probers on a fake network, all on one fake clock: for tests of what they find out.

import { Counters } from '../../src/counters.js';
import type { PeerProbe } from '../../src/probe/probe.js';
import { nodeHash } from '../../src/probe/payload.js';
import type { OpenHeartbeat } from '../../src/heartbeat.js';
import type { ProbeChange } from '../../src/probe/probe.js';
import { Prober } from '../../src/probe/prober.js';
import type { ProbeTarget } from '../../src/probe/target.js';
import { ip, type Ip } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeEchoNet, type FakeEchoSocket } from '../fakes/fake-echo.js';
import { seededRandom } from '../fakes/seeded-random.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

export const NETWORK = 'default';
const OVERHEAD = 50;
const MTU = 1500;

export const publicIp = (host: number): Ip => ip(`192.168.${50 + (host >> 8)}.${host & 255}`);
export const base = (host: number): Ip => ip(`10.${5 + (host >> 8)}.${host & 255}.0`);
export const keyOf = (host: number): string => `${base(host)}-24`;
export const isOverlay = (address: Ip): boolean => address.startsWith('10.');

/** Host `own` looking at host `peer`. */
export function target(own: number, peer: number, change: Partial<ProbeTarget> = {}): ProbeTarget {
  return {
    publicIp: publicIp(peer),
    source: publicIp(own),
    ownBase: base(own),
    peerBase: base(peer),
    underlayMtu: MTU,
    overlay: { mtu: MTU - OVERHEAD, overhead: OVERHEAD },
    node: nodeHash(`node-${peer}`),
    ...change,
  };
}

export interface ProbingHost {
  readonly prober: Prober;
  readonly socket: FakeEchoSocket;
  readonly counters: Counters;
  readonly logger: RecordingLogger;
  readonly changes: ProbeChange[];
  /** What is known of a peer; throws where it is none. */
  readonly probe: (peer: number) => PeerProbe;
}

export class ProbeScene {
  readonly clock = new FakeClock();
  readonly net = new FakeEchoNet(this.clock);

  /** A host of ours with these peers. */
  start(own: number, peers: readonly number[], intervalMs = 10_000, heartbeat?: OpenHeartbeat): ProbingHost {
    const socket = this.net.addHost(publicIp(own), base(own));
    const [counters, logger] = [new Counters(), new RecordingLogger()];
    const random = seededRandom(own);
    const prober = new Prober(
      {
        ...{ clock: this.clock, random, logger, counters },
        randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
        open: () => socket,
        node: nodeHash(`node-${own}`),
        ...(heartbeat && { heartbeat }),
      },
      intervalMs,
    );
    const changes: ProbeChange[] = [];
    prober.onChange((change) => changes.push(change));
    prober.start();
    prober.setTargets(NETWORK, new Map(peers.map((peer) => [keyOf(peer), target(own, peer)])));
    const probe = (peer: number): PeerProbe => {
      const found = prober.report(NETWORK).get(keyOf(peer));
      if (found === undefined) throw new Error(`host ${own} has no peer ${peer}`);
      return found;
    };
    return { prober, socket, counters, logger, changes, probe };
  }

  /** Upstream's: its kernel answers, and that is all. */
  addUpstream(host: number): void {
    this.net.addSilentHost(publicIp(host), base(host));
  }
}
