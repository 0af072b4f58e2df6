// A seed made into what is done to the lab: episodes of faults, each followed by calm in which everything must come
// right. Pure: the same setting gives the same schedule, whatever happens when it is run.

import { Chance } from './chance.js';
import { DRAWS, FAULT_KINDS } from './draw.js';
import { claims, needsStore } from './claims.js';
import type { Fault, FaultKind } from './faults.js';
import type { Setting } from './setting.js';

export interface TimedFault {
  /** Milliseconds since the episode's beginning. */
  readonly at: number;
  readonly fault: Fault;
}

export interface Episode {
  /** From 1. */
  readonly number: number;
  readonly faults: readonly TimedFault[];
  /** When the last fault is undone, in milliseconds since the beginning. */
  readonly endsAt: number;
}

/** In this time of an episode faults begin. */
const WINDOW_MS = 20_000;
/** Between two faults that lay claim to the same thing. */
const GAP_MS = 2000;
/** What calm takes, for reckoning how many episodes fill the time. */
const CALM_MS = 3000;
const TRIES = 20;

/** As many episodes as fill the minutes, at least one. */
export function makeSchedule(setting: Setting): readonly Episode[] {
  const chance = new Chance(setting.seed);
  const deck = new Deck(chance);
  const episodes: Episode[] = [];
  let total = 0;
  while (episodes.length === 0 || total + WINDOW_MS <= setting.minutes * 60_000) {
    const faults = drawEpisode(chance, deck, setting);
    const endsAt = Math.max(...faults.map(({ at, fault }) => at + fault.forMs));
    episodes.push({ number: episodes.length + 1, faults, endsAt });
    total += endsAt + CALM_MS;
  }
  return episodes;
}

/** Kinds of faults like cards: each comes as often as its weight says before any comes again. */
class Deck {
  readonly #chance: Chance;
  #cards: FaultKind[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  next(): FaultKind {
    if (this.#cards.length === 0) {
      const cards = FAULT_KINDS.flatMap((kind) => Array<FaultKind>(DRAWS[kind].weight).fill(kind));
      this.#cards = this.#chance.shuffled(cards);
    }
    return this.#cards.pop() ?? 'compact';
  }
}

function drawEpisode(chance: Chance, deck: Deck, setting: Setting): readonly TimedFault[] {
  const faults: TimedFault[] = [];
  const count = chance.whole(setting.hosts, setting.hosts + 5);
  for (let drawn = 0; drawn < count; drawn++) {
    const kind = deck.next();
    for (let tries = 0; tries < TRIES; tries++) {
      const timed = { at: chance.whole(0, WINDOW_MS), fault: DRAWS[kind].draw(chance, setting) };
      if (faults.some((other) => collide(timed, other))) continue;
      faults.push(timed);
      break;
    }
  }
  return faults.sort((a, b) => a.at - b.at);
}

function collide(a: TimedFault, b: TimedFault): boolean {
  const theirs = claims(b.fault);
  const meet = claims(a.fault).some((claim) => theirs.includes(claim)) || isVain(a, b) || isVain(b, a);
  if (!meet) return false;
  return a.at <= b.at + b.fault.forMs + GAP_MS && b.at <= a.at + a.fault.forMs + GAP_MS;
}

/** What is written to etcd is not written while etcd is away. */
function isVain(write: TimedFault, outage: TimedFault): boolean {
  return needsStore(write.fault) && outage.fault.kind === 'etcd-outage';
}
