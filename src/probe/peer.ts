// One probed peer: its ways, what was heard of it, and the judgement. Knows no socket and no timer; prober.ts tells it what
// becomes of each probe.

import { flatText } from '../flat-text.js';
import { Heard, NEVER } from './hearing.js';
import type { MtuSearch } from './mtu-search.js';
import {
  FRESH_PATH,
  isDoubtful,
  isUnsettled,
  REPEATS,
  shownPath,
  withAnswer,
  withLoss,
  type PathState,
} from './path-state.js';
import type { Path } from './payload.js';
import type { PeerProbe, PeerVerdict } from './probe.js';
import type { ProbeTarget } from './target.js';
import { lostDirection, verdictOf } from './verdict.js';

/** A way in small or in full packets. */
export type Lane = 'overlay' | 'underlay' | 'overlayFull' | 'underlayFull';

const FULL: Readonly<Record<Path, Lane>> = { overlay: 'overlayFull', underlay: 'underlayFull' };
/** A peer that has not answered so many visits is none that somebody waits for. */
const FRESH_VISITS = 3;
/** How long the size that was found is believed while full packets do not pass. */
const FOUND_MS = 30_000;

export function pathOf(lane: Lane): Path {
  return lane === 'overlay' || lane === 'overlayFull' ? 'overlay' : 'underlay';
}

export function isFull(lane: Lane): boolean {
  return lane === FULL[pathOf(lane)];
}

/** A search for the largest packet that passes, while it goes on. */
export interface Searching {
  readonly path: Path;
  search: MtuSearch;
  asked: readonly number[];
  readonly answered: Set<number>;
}

const BITS: Readonly<Record<Lane, number>> = { overlay: 1, underlay: 2, overlayFull: 4, underlayFull: 8 };

/** Lanes as bits: a Set for each of 5,000 peers would be a megabyte. */
class LaneSet {
  #bits = 0;

  add(lane: Lane): void {
    this.#bits |= BITS[lane];
  }

  delete(lane: Lane): void {
    this.#bits &= ~BITS[lane];
  }

  has(lane: Lane): boolean {
    return (this.#bits & BITS[lane]) !== 0;
  }
}

export class ProbedPeer {
  readonly id: string;
  readonly network: string;
  readonly key: string;
  readonly heard = new Heard();
  /** Lanes with a probe under way. */
  readonly flying = new LaneSet();
  searching: Searching | undefined;
  target: ProbeTarget;
  #lanes: Record<Lane, PathState> = {
    overlay: FRESH_PATH,
    underlay: FRESH_PATH,
    overlayFull: FRESH_PATH,
    underlayFull: FRESH_PATH,
  };
  /** When a small probe was answered last, by way: monotonic milliseconds. */
  #answeredAt = NEVER;
  /** How often a lane was repeated since the last visit: where answers come late, each would cause another. */
  #repeated: Map<Lane, number> | undefined;
  /** Like the former made when it is needed: most peers are well, and an empty map is 200 bytes. */
  #found: Map<Path, { readonly size: number; readonly at: number }> | undefined;
  #visits = 0;
  #shown: Pick<PeerProbe, 'verdict' | 'lost' | 'pathMtu'> = { verdict: 'unknown' };
  #since: number;

  /** `now` is wall-clock time, for people. */
  constructor(network: string, key: string, target: ProbeTarget, now: number) {
    this.id = flatText(network, '\n', key);
    this.network = network;
    this.key = key;
    this.target = target;
    this.#since = now;
  }

  get verdict(): PeerVerdict {
    return this.#shown.verdict;
  }

  /** Another MTU: what is known of full packets is void, and a search under way comes to nothing. */
  resize(target: ProbeTarget): void {
    this.target = target;
    this.#lanes = { ...this.#lanes, overlayFull: FRESH_PATH, underlayFull: FRESH_PATH };
    this.#found = undefined;
    this.searching = undefined;
  }

  /** The lanes to probe at a visit: full packets only where small ones come through. */
  visit(): readonly Lane[] {
    this.#visits++;
    this.#repeated = undefined;
    const paths: readonly Path[] = this.target.overlay === undefined ? ['underlay'] : ['underlay', 'overlay'];
    const passing = paths.filter((path) => {
      const { state, lostInRow } = this.#lanes[path];
      return state === 'answers' && lostInRow === 0;
    });
    return [...paths, ...passing.map((path) => FULL[path])].filter((lane) => !this.flying.has(lane));
  }

  /** A probe was answered; returns the lanes to probe at once: full packets, where a small one came through for the first time. */
  answered(lane: Lane, rttMs: number, now: number): readonly Lane[] {
    const path = pathOf(lane);
    this.#lanes[lane] = withAnswer(this.#lanes[lane], rttMs);
    if (isFull(lane)) {
      if (this.#lanes[lane].state === 'answers') this.#found?.delete(path);
      return [];
    }
    this.#answeredAt = { ...this.#answeredAt, [path]: now };
    const full = FULL[path];
    const isFirst = this.#lanes[path].state === 'answers' && this.#lanes[full] === FRESH_PATH;
    return isFirst && !this.flying.has(full) ? [path, full] : [];
  }

  /** A probe that went out at `sentAt` was not answered; returns the lanes to try again at once. */
  lost(lane: Lane, sentAt: number, now: number): readonly Lane[] {
    const path = pathOf(lane);
    // Full packets are lost in a way of their own only where a small one that went along was answered.
    if (isFull(lane) && this.#answeredAt[path] < sentAt) return [];
    this.#lanes[lane] = withLoss(this.#lanes[lane], now);
    // Without the small way nothing is known of full packets.
    if (!isFull(lane) && this.#lanes[lane].state === 'silent') this.#lanes[FULL[path]] = FRESH_PATH;
    const repeated = this.#repeated?.get(lane) ?? 0;
    if (!isDoubtful(this.#lanes[lane]) || repeated >= REPEATS) return [];
    (this.#repeated ??= new Map<Lane, number>()).set(lane, repeated + 1);
    const again: readonly Lane[] = isFull(lane) ? [path, lane] : [lane];
    return again.filter((one) => !this.flying.has(one));
  }

  /** Whether it is time to search for the size that passes. */
  wantsSearch(path: Path, now: number): boolean {
    const { lostInRow } = this.#lanes[FULL[path]];
    const found = this.#found?.get(path);
    return (
      this.searching === undefined &&
      lostInRow > 0 &&
      this.#lanes[path].state === 'answers' &&
      (found === undefined || now - found.at >= FOUND_MS)
    );
  }

  found(path: Path, size: number, now: number): void {
    (this.#found ??= new Map<Path, { readonly size: number; readonly at: number }>()).set(path, {
      size,
      at: now,
    });
  }

  /** What a full packet is on this way, in bytes. */
  fullSize(path: Path): number {
    const { overlay, underlayMtu } = this.target;
    return path === 'overlay' ? (overlay?.mtu ?? 0) : underlayMtu;
  }

  /** Milliseconds. */
  rtt(path: Path): number {
    return this.#lanes[path].rttMs ?? 0;
  }

  /** Whether we miss its answers through the overlay, so that it should tell what it hears. */
  get isMissed(): boolean {
    const { state, lostInRow } = this.#lanes.overlay;
    return state === 'silent' || lostInRow > 0;
  }

  /** Whether it is to be probed more often than others. */
  isSuspect(now: number): boolean {
    const { verdict } = this.#shown;
    if (verdict === 'unknown') return this.#visits < FRESH_VISITS || this.heard.asked(now);
    return verdict !== 'reachable' || this.heard.asked(now);
  }

  /** Judges anew; whether anything that is shown has changed. `now` monotonic, `wall` wall-clock milliseconds. */
  judge(now: number, wall: number): boolean {
    const before = this.#shown;
    const verdict = this.#verdict();
    const lost = verdict === 'filtered' ? lostDirection(this.heard.hearing(now)) : undefined;
    const pathMtu = this.#pathMtu();
    if (verdict !== before.verdict) this.#since = wall;
    this.#shown = {
      verdict,
      ...(lost !== undefined && { lost }),
      ...(pathMtu !== undefined && { pathMtu }),
    };
    return verdict !== before.verdict || lost !== before.lost || pathMtu !== before.pathMtu;
  }

  report(): PeerProbe {
    const { overlay, underlay } = this.#ways();
    return {
      ...this.#shown,
      since: new Date(this.#since).toISOString(),
      overlay: shownPath(overlay ?? FRESH_PATH),
      underlay: shownPath(underlay),
    };
  }

  /** The former one until both ways have made up their minds: what fails or recovers as a whole is not told in halves. */
  #verdict(): PeerVerdict {
    const ways = this.#ways();
    const former = this.#shown.verdict;
    const isUndecided = [ways.overlay, ways.underlay].some((way) => way !== undefined && isUnsettled(way));
    return isUndecided && former !== 'unknown' ? former : verdictOf(ways);
  }

  #ways(): Parameters<typeof verdictOf>[0] {
    const { overlay, underlay, overlayFull, underlayFull } = this.#lanes;
    return this.target.overlay === undefined
      ? { overlay: undefined, underlay, overlayFull: undefined, underlayFull }
      : { overlay, underlay, overlayFull, underlayFull };
  }

  /** In terms of the underlay; undefined while full packets pass, or nothing was found yet. */
  #pathMtu(): number | undefined {
    const { overlay } = this.target;
    const isSilent = (path: Path): boolean => this.#lanes[FULL[path]].state === 'silent';
    if (overlay !== undefined && isSilent('overlay')) {
      const size = this.#found?.get('overlay')?.size;
      return size === undefined ? undefined : size + overlay.overhead;
    }
    return isSilent('underlay') ? this.#found?.get('underlay')?.size : undefined;
  }
}
