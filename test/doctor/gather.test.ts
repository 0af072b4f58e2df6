// Gathering always ends, and what fails is missing with its reason.

import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { CHECKS } from '../../src/doctor/checks.js';
import { gather, type Sources } from '../../src/doctor/gather.js';
import { examine } from '../../src/doctor/report.js';
import { ToolRunner } from '../../src/kernel/tool.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const never = (): Promise<never> => new Promise(() => undefined);
const nobody = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('nobody'), { code: 'no-daemon' }));

function sources(clock: FakeClock, change: Partial<Sources>): Sources {
  const tool = new ToolRunner({ clock, logger: new RecordingLogger(), path: '/nowhere' });
  const daemons = { sockets: nobody, status: nobody, peers: nobody, leases: nobody, options: nobody };
  return { clock, tool, daemons, store: nobody, kernel: nobody, progress: () => undefined, ...change };
}

/**
 * Lets time pass until it has ended; how much that was, in seconds. No faster than real time: the host's own files are read
 * meanwhile, and were given up too early on a busy machine.
 */
async function secondsUntil(clock: FakeClock, work: Promise<unknown>): Promise<number> {
  const ended: unknown[] = [];
  void work.then((result) => ended.push(result));
  const begun = clock.monotonic();
  for (let steps = 0; ended.length === 0; steps++) {
    if (steps > 2_000) throw new Error('it does not end');
    await Promise.all([clock.advance(10), setTimeout(10)]);
  }
  return (clock.monotonic() - begun) / 1_000;
}

test('whoever never answers is given up, and the whole ends within ten seconds', async (t) => {
  const clock = new FakeClock();
  const daemons = { sockets: never, status: never, peers: never, leases: never, options: never };
  const gathering = gather(sources(clock, { daemons, store: never, kernel: never }));
  const seconds = await secondsUntil(clock, gathering);
  t.true(seconds <= 10, `${seconds} s`);
  const collected = await gathering;
  t.deepEqual(collected.daemons, { known: false, why: 'the daemon cannot be seen: no answer within 3 s' });
  t.deepEqual(collected.store, { known: false, why: 'etcd cannot be seen: no answer within 3 s' });
  t.deepEqual(collected.kernel, {
    known: false,
    why: 'links and routes cannot be seen: no answer within 3 s',
  });
  t.true(collected.host.known);
});

test('with nothing but /proc every check finds something, and says why it was skipped', async (t) => {
  const clock = new FakeClock();
  const gathering = gather(sources(clock, {}));
  await secondsUntil(clock, gathering);
  const { findings } = examine(CHECKS, await gathering);
  t.deepEqual(
    [...new Set(findings.map(({ check }) => check))],
    CHECKS.map(({ id }) => id),
  );
  for (const { check, seen } of findings) t.true(seen.length > 3, check);
  t.is(findings.find(({ check }) => check === 'etcd')?.seen, 'etcd cannot be seen: nobody');
});

test('it tells what it looks at', async (t) => {
  const clock = new FakeClock();
  const told: string[] = [];
  const gathering = gather(sources(clock, { progress: (what) => told.push(what) }));
  await secondsUntil(clock, gathering);
  t.deepEqual(told, ['asking the daemon', 'asking etcd', 'looking at the host']);
});
