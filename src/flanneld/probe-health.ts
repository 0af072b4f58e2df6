// What the probes of a network's peers mean for its health: which reasons hold, in which words. Pure.

import type { PeerProbe, PeerVerdict } from '../probe/probe.js';
import type { ProbeTarget } from '../probe/target.js';
import { peerName } from './probe-targets.js';

export const PROBE_REASONS = ['no-peer-answers', 'tunnel-filtered', 'peers-silent', 'path-mtu'] as const;
export type ProbeReason = (typeof PROBE_REASONS)[number];

/** A text names so many peers, and counts the others. */
const NAMED = 3;

export interface ProbedPeers {
  readonly targets: ReadonlyMap<string, ProbeTarget>;
  /** Those that are neither well nor unknown. */
  readonly troubles: ReadonlyMap<string, PeerProbe>;
  /** Whether any peer is well. */
  readonly reaches: boolean;
  /** The tunnel's UDP port; undefined where packets go plain. */
  readonly port: number | undefined;
}

interface Seen {
  readonly key: string;
  readonly target: ProbeTarget;
  readonly probe: PeerProbe;
}

/** The reasons that hold, each with its text. Peers of which nothing is known yet say nothing. */
export function probeReasons(probed: ProbedPeers): ReadonlyMap<ProbeReason, string> {
  const { targets, troubles, reaches, port } = probed;
  const seen = [...troubles].flatMap(([key, probe]) => {
    const target = targets.get(key);
    return target === undefined ? [] : [{ key, target, probe }];
  });
  const of = (verdict: PeerVerdict): readonly Seen[] => seen.filter(({ probe }) => probe.verdict === verdict);
  const [filtered, silent, cut] = [of('filtered'), of('unreachable'), of('path-mtu')];
  const silence = silent.length === 0 ? '' : `${names(silent)}: down, or cut off`;
  const reasons = new Map<ProbeReason, string>();
  if (filtered.length > 0) reasons.set('tunnel-filtered', filteredText(filtered, port));
  if (!reaches && cut.length === 0 && filtered.length + silent.length > 0) {
    const texts = [silence, filtered.length === 0 ? '' : filteredText(filtered, port)];
    reasons.set('no-peer-answers', texts.filter((text) => text !== '').join('; '));
  } else if (silent.length > 0) {
    reasons.set('peers-silent', silence);
  }
  if (cut.length > 0) reasons.set('path-mtu', cutText(cut));
  return reasons;
}

/** One peer's change in words, for the event stream and the log. */
export function changeText(key: string, target: ProbeTarget, probe: PeerProbe, port?: number): string {
  const peer = { key, target, probe };
  switch (probe.verdict) {
    case 'reachable':
      return `${names([peer])} answers`;
    case 'unreachable':
      return `${names([peer])} does not answer: down, or cut off`;
    case 'filtered':
      return filteredText([peer], port);
    case 'path-mtu':
      return cutText([peer]);
    case 'unknown':
      return `${names([peer])}: nothing is known any more`;
  }
}

/** `10.0.0.3 (10.5.9.0/24), 10.0.0.4 (10.5.7.0/24) and 5 more`. */
function names(peers: readonly Seen[]): string {
  const first = peers.slice(0, NAMED).map(({ key, target }) => peerName(target.publicIp, key));
  const rest = peers.length - first.length;
  return `${first.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`;
}

type Cause = NonNullable<PeerProbe['lost']> | 'unclear' | 'direct';

const CAUSES: readonly Cause[] = ['to-peer', 'from-peer', 'both', 'unclear', 'direct'];

/** One sentence a cause, with the port and what to do. */
function filteredText(peers: readonly Seen[], port: number | undefined): string {
  const tunnel = port === undefined ? 'the tunnel' : `UDP port ${port}`;
  const sentence: Readonly<Record<Cause, (who: string) => string>> = {
    'to-peer': (who) => `${tunnel} to ${who} is filtered: packets to it are lost; open it there`,
    'from-peer': (who) => `${tunnel} from ${who} is filtered: packets from it are lost; open it here`,
    both: (who) => `${tunnel} to and from ${who} is filtered; open it`,
    unclear: (who) => `${tunnel} to or from ${who} is filtered, or its device is not as it should be`,
    direct: (who) => `the route to ${who} does not lead there, though the host answers`,
  };
  return CAUSES.flatMap((cause) => {
    const some = peers.filter((peer) => causeOf(peer) === cause);
    return some.length === 0 ? [] : [sentence[cause](names(some))];
  }).join('; ');
}

function causeOf({ target, probe }: Seen): Cause {
  return target.overlay?.overhead === 0 ? 'direct' : (probe.lost ?? 'unclear');
}

function cutText(peers: readonly Seen[]): string {
  const sizes = peers.flatMap(({ probe }) => probe.pathMtu ?? []);
  if (sizes.length === 0) return `full packets do not reach ${names(peers)}`;
  const size = Math.min(...sizes);
  return `packets above ${size} bytes do not reach ${names(peers)}; mend the path, or set "MTU": ${size} in Backend`;
}
