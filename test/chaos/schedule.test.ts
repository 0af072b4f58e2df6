// A seed is a schedule: the same every time, within bounds, with every kind of fault.

import test from 'ava';
import { claims, needsStore } from './claims.js';
import type { Fault } from './faults.js';
import { DRAWS, FAULT_KINDS } from './draw.js';
import { makeSchedule, type Episode } from './schedule.js';
import { describe } from './sentences.js';
import { BACKENDS, MEMBERS, type Setting } from './setting.js';

const SETTING: Setting = { seed: 1, minutes: 10, hosts: 5, backend: 'vxlan', ttlSeconds: 12 };
const SEEDS = [...Array(40).keys()];
const schedules = SEEDS.map((seed) => makeSchedule({ ...SETTING, seed }));
const faultsOf = (episodes: readonly Episode[]): Fault[] =>
  episodes.flatMap(({ faults }) => faults.map(({ fault }) => fault));

test('the same seed gives the same schedule, another one another', (t) => {
  t.deepEqual(makeSchedule(SETTING), makeSchedule({ ...SETTING }));
  t.notDeepEqual(makeSchedule(SETTING), makeSchedule({ ...SETTING, seed: 2 }));
});

test('a longer run begins like a shorter one', (t) => {
  const [short, long] = [makeSchedule({ ...SETTING, minutes: 2 }), makeSchedule(SETTING)];
  t.true(short.length < long.length);
  t.deepEqual(long.slice(0, short.length), short);
});

test('ten minutes bring every kind of fault, whatever the seed', (t) => {
  const wanted = FAULT_KINDS.filter((kind) => DRAWS[kind].weight > 0).sort();
  for (const episodes of schedules) {
    t.deepEqual([...new Set(faultsOf(episodes).map(({ kind }) => kind))].sort(), wanted);
  }
});

test('the shortest run has faults', (t) => {
  for (const seed of SEEDS)
    t.true(faultsOf(makeSchedule({ ...SETTING, seed, minutes: 0.1, hosts: 3 })).length >= 3);
});

test('a majority of etcd is missing for 20 s at most, and only by an outage', (t) => {
  for (const { faults } of schedules.flat()) {
    const etcd = faults.filter(({ fault }) => claims(fault).includes('etcd'));
    for (const [index, { at, fault }] of etcd.entries()) {
      if (fault.kind === 'etcd-outage') t.true(fault.forMs <= 20_000);
      const next = etcd[index + 1];
      t.true(next === undefined || next.at > at + fault.forMs, `${describe(fault)} overlaps another`);
    }
  }
});

test('nothing is written to etcd while it is away, and two faults never claim the same thing', (t) => {
  for (const { faults } of schedules.flat()) {
    for (const a of faults) {
      for (const b of faults) {
        if (a === b || a.at > b.at || a.at + a.fault.forMs < b.at) continue;
        const shared = claims(a.fault).filter((claim) => claims(b.fault).includes(claim));
        t.deepEqual(shared, [], `${describe(a.fault)}; ${describe(b.fault)}`);
        t.false(a.fault.kind === 'etcd-outage' && needsStore(b.fault));
      }
    }
  }
});

test('hosts, members and times are within bounds, and the last host keeps its daemon', (t) => {
  for (const fault of schedules.flatMap(faultsOf)) {
    const hosts = 'host' in fault ? [fault.host] : [];
    const members = 'members' in fault ? fault.members : [];
    if (fault.kind === 'cut-peers') {
      t.false(fault.peers.includes(fault.host));
      hosts.push(...fault.peers);
    }
    t.true(hosts.every((host) => host >= 0 && host < SETTING.hosts));
    t.true(members.every((member) => member >= 0 && member < MEMBERS));
    t.true(fault.forMs >= 0 && fault.forMs <= 20_000);
    if (fault.kind === 'daemon-kill' || fault.kind === 'lease-usurp') t.not(fault.host, SETTING.hosts - 1);
  }
});

test('every fault of every backend reads as a sentence without undefined parts', (t) => {
  for (const backend of BACKENDS) {
    for (const fault of faultsOf(makeSchedule({ ...SETTING, backend })))
      t.notRegex(describe(fault), /undefined|NaN|\[object/);
  }
});
