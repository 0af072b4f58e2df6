// The table of verdicts, and the direction that is lost.

import test from 'ava';
import { FRESH_PATH, type PathState } from '../../src/probe/path-state.js';
import type { PeerVerdict } from '../../src/probe/probe.js';
import { lostDirection, verdictOf } from '../../src/probe/verdict.js';

const answers: PathState = { ...FRESH_PATH, state: 'answers', everAnswered: true };
const silent: PathState = { ...FRESH_PATH, state: 'silent', everAnswered: true };
const never: PathState = { ...FRESH_PATH, state: 'silent' };
const unknown = FRESH_PATH;

type Row = readonly [string, PathState | undefined, PathState, PathState | undefined, PathState, PeerVerdict];

const ROWS: readonly Row[] = [
  // overlay, underlay, overlay in full, underlay in full
  ['both ways answer', answers, answers, answers, answers, 'reachable'],
  ['full packets are not known yet', answers, answers, unknown, unknown, 'reachable'],
  ['the host answers no echo requests, its overlay does', answers, never, answers, unknown, 'reachable'],
  ['the underlay is not known yet', answers, unknown, unknown, unknown, 'reachable'],
  ['full packets do not pass the overlay', answers, answers, silent, silent, 'path-mtu'],
  ['full packets have never passed the overlay', answers, answers, never, answers, 'path-mtu'],
  ['full packets do not pass the underlay alone', answers, answers, answers, silent, 'reachable'],
  ['the overlay is silent', silent, answers, unknown, answers, 'filtered'],
  ['the overlay has never answered', never, answers, unknown, answers, 'filtered'],
  ['both are silent', silent, silent, unknown, unknown, 'unreachable'],
  [
    'both are silent, and only the underlay has ever answered',
    never,
    silent,
    unknown,
    unknown,
    'unreachable',
  ],
  ['both are silent, and only the overlay has ever answered', silent, never, unknown, unknown, 'unreachable'],
  ['nothing has ever answered', never, never, unknown, unknown, 'unknown'],
  ['nothing was probed', unknown, unknown, unknown, unknown, 'unknown'],
  ['the overlay is not known yet', unknown, answers, unknown, unknown, 'unknown'],
  ['the underlay is not known yet, the overlay silent', silent, unknown, unknown, unknown, 'unknown'],
  ['no overlay: it answers', undefined, answers, undefined, answers, 'reachable'],
  ['no overlay: full packets do not pass', undefined, answers, undefined, silent, 'path-mtu'],
  ['no overlay: it is silent', undefined, silent, undefined, unknown, 'unreachable'],
  ['no overlay: it has never answered', undefined, never, undefined, unknown, 'unknown'],
];

for (const [what, overlay, underlay, overlayFull, underlayFull, verdict] of ROWS) {
  test(`${what}: ${verdict}`, (t) => {
    t.is(verdictOf({ overlay, underlay, overlayFull, underlayFull }), verdict);
  });
}

for (const [peerTells, peerHearsUs, weHearPeer, lost] of [
  [true, false, true, 'to-peer'],
  [true, true, false, 'from-peer'],
  [true, false, false, 'both'],
  [true, true, true, undefined],
  [false, false, false, undefined],
  [false, true, false, undefined],
] as const) {
  test(`peer tells ${peerTells}, hears us ${peerHearsUs}, we hear it ${weHearPeer}: ${lost ?? 'not told'}`, (t) => {
    t.is(lostDirection({ peerTells, peerHearsUs, weHearPeer }), lost);
  });
}
