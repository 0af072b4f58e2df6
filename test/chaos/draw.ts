// How often each kind of fault comes and how one is drawn, from a seed alone. Pure.

import type { Chance } from './chance.js';
import { KERNEL_PARTS, RUBBISH, type Fault, type FaultKind } from './faults.js';
import { MEMBERS, type Setting } from './setting.js';

interface Row {
  /** How many cards of the deck are of this kind. */
  readonly weight: number;
  readonly draw: (chance: Chance, setting: Setting) => Fault;
}

/** No outage of etcd lasts longer. */
const MAX_OUTAGE_MS = 20_000;

export const DRAWS: Readonly<Record<FaultKind, Row>> = {
  'daemon-kill': {
    weight: 4,
    draw: (chance, setting) => ({
      kind: 'daemon-kill',
      host: mortal(chance, setting),
      forMs: around(chance, setting),
    }),
  },
  'daemon-freeze': {
    weight: 3,
    draw: (chance, setting) => ({
      kind: 'daemon-freeze',
      host: anyHost(chance, setting),
      forMs: around(chance, setting),
    }),
  },
  'etcd-kill': {
    weight: 2,
    draw: (chance) => ({ kind: 'etcd-kill', member: anyMember(chance), forMs: chance.whole(1000, 10_000) }),
  },
  'etcd-freeze': {
    weight: 2,
    draw: (chance) => ({ kind: 'etcd-freeze', member: anyMember(chance), forMs: chance.whole(1000, 10_000) }),
  },
  'etcd-split': {
    weight: 1,
    draw: (chance) => ({ kind: 'etcd-split', member: anyMember(chance), forMs: chance.whole(2000, 10_000) }),
  },
  'etcd-outage': {
    weight: 2,
    draw: (chance) => ({
      kind: 'etcd-outage',
      how: chance.pick(['kill', 'freeze']),
      forMs: chance.whole(3000, MAX_OUTAGE_MS),
    }),
  },
  'cut-store': {
    weight: 4,
    draw: (chance, setting) => {
      const members = [...Array(MEMBERS).keys()];
      const cut = chance.happens(0.7) ? members : chance.some(members).sort();
      return {
        kind: 'cut-store',
        host: anyHost(chance, setting),
        members: cut,
        forMs: around(chance, setting),
      };
    },
  },
  'cut-peers': {
    weight: 3,
    draw: (chance, setting) => {
      const host = anyHost(chance, setting);
      const others = [...Array(setting.hosts).keys()].filter((peer) => peer !== host);
      return {
        kind: 'cut-peers',
        host,
        peers: chance.some(others).sort(),
        forMs: chance.whole(500, 10_000),
      };
    },
  },
  compact: { weight: 2, draw: () => ({ kind: 'compact', forMs: 0 }) },
  'compact-behind': {
    weight: 2,
    draw: (chance, setting) => ({
      kind: 'compact-behind',
      host: anyHost(chance, setting),
      forMs: chance.whole(2000, 6000),
    }),
  },
  'lease-revoke': {
    weight: 2,
    draw: (chance, setting) => ({ kind: 'lease-revoke', host: anyHost(chance, setting), forMs: 0 }),
  },
  'lease-delete': {
    weight: 2,
    draw: (chance, setting) => ({ kind: 'lease-delete', host: anyHost(chance, setting), forMs: 0 }),
  },
  'lease-corrupt': {
    weight: 2,
    draw: (chance, setting) => ({
      kind: 'lease-corrupt',
      host: anyHost(chance, setting),
      how: chance.pick(RUBBISH.filter((how) => how !== 'bad-key')),
      forMs: 0,
    }),
  },
  'lease-usurp': {
    weight: 1,
    draw: (chance, setting) => ({
      kind: 'lease-usurp',
      host: mortal(chance, setting),
      forMs: chance.whole(4000, 10_000),
    }),
  },
  poison: {
    weight: 2,
    draw: (chance) => ({ kind: 'poison', how: chance.some(RUBBISH), forMs: chance.whole(2000, 10_000) }),
  },
  'link-flap': {
    weight: 3,
    draw: (chance, setting) => ({
      kind: 'link-flap',
      host: anyHost(chance, setting),
      how: chance.pick(['admin', 'carrier']),
      forMs: chance.whole(200, 6000),
    }),
  },
  'kernel-delete': {
    weight: 5,
    draw: (chance, setting) => ({
      kind: 'kernel-delete',
      host: anyHost(chance, setting),
      what: chance.pick(KERNEL_PARTS[setting.backend]),
      choice: chance.whole(0, 99),
      forMs: 0,
    }),
  },
  wipe: { weight: 1, draw: () => ({ kind: 'wipe', forMs: 0 }) },
};

export const FAULT_KINDS = Object.keys(DRAWS) as readonly FaultKind[];

function anyHost(chance: Chance, { hosts }: Setting): number {
  return chance.whole(0, hosts - 1);
}

/** The last host's daemon is never ended, so that growth of memory and handles has a whole run to show in. */
function mortal(chance: Chance, { hosts }: Setting): number {
  return chance.whole(0, hosts - 2);
}

function anyMember(chance: Chance): number | 'leader' {
  return chance.happens(0.4) ? 'leader' : chance.whole(0, MEMBERS - 1);
}

/** Mostly well within the life of a lease, now and then beyond it. */
function around(chance: Chance, { ttlSeconds }: Setting): number {
  const ttlMs = ttlSeconds * 1000;
  if (chance.happens(0.75)) return chance.whole(300, Math.min(ttlMs / 2, 8000));
  // A lease of a day is not outlived in a run of minutes.
  return ttlSeconds > 60 ? chance.whole(8000, 20_000) : ttlMs + chance.whole(2000, 8000);
}
