// What the ways to a peer say together: the table of verdicts, and which direction is lost. Pure.

import type { PathState } from './path-state.js';
import type { PeerProbe, PeerVerdict } from './probe.js';

/** The ways to one peer; the overlay ones are absent where there is no tunnel, so that the underlay is what pods use. */
export interface Ways {
  readonly overlay: PathState | undefined;
  readonly underlay: PathState;
  /** The same in packets of full size. */
  readonly overlayFull: PathState | undefined;
  readonly underlayFull: PathState;
}

type Pair = `${PathState['state']} ${PathState['state']}`;

/** Overlay, then underlay. What is in question between two rows, `unreachable` or `unknown`, is told by the past. */
const VERDICTS: Readonly<Record<Pair, PeerVerdict>> = {
  'answers answers': 'reachable',
  'answers silent': 'reachable',
  'answers unknown': 'reachable',
  'silent answers': 'filtered',
  'silent silent': 'unreachable',
  'silent unknown': 'unknown',
  'unknown answers': 'unknown',
  'unknown silent': 'unknown',
  'unknown unknown': 'unknown',
};

export function verdictOf({ overlay, underlay, overlayFull, underlayFull }: Ways): PeerVerdict {
  const used = overlay ?? underlay;
  const found = VERDICTS[`${used.state} ${overlay === undefined ? used.state : underlay.state}`];
  // Who has never answered may be one that answers nobody's echo requests.
  if (found === 'unreachable' && !used.everAnswered && !underlay.everAnswered) return 'unknown';
  const full = overlay === undefined ? underlayFull : overlayFull;
  return found === 'reachable' && full?.state === 'silent' ? 'path-mtu' : found;
}

/** What both ends have heard of each other through the overlay. */
export interface Hearing {
  /** Whether the peer tells us now what it hears: only then are the others worth anything. */
  readonly peerTells: boolean;
  readonly peerHearsUs: boolean;
  readonly weHearPeer: boolean;
}

/** Which direction of a silent overlay is lost; undefined where that cannot be told. */
export function lostDirection({ peerTells, peerHearsUs, weHearPeer }: Hearing): PeerProbe['lost'] {
  if (!peerTells) return undefined;
  if (!peerHearsUs && !weHearPeer) return 'both';
  if (!peerHearsUs) return 'to-peer';
  return weHearPeer ? undefined : 'from-peer';
}
