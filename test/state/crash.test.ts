// Daemons that are killed: the folder is free at once, and what is on disk is whole.

import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { openState } from '../../src/state/file-state.js';
import type { NodeState } from '../../src/state/node-state.js';
import { eventually } from '../helpers/etcd-wait.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { PREFIX } from '../helpers/snapshots.js';
import { StateChild } from '../helpers/state-child.js';
import { tempFolder } from '../helpers/temp-folder.js';

const logger = new RecordingLogger();
const counters = new Counters();
const open = (stateDir: string): Promise<NodeState> =>
  openState({ clock: systemClock, logger, counters, stateDir, network: 'net', prefix: PREFIX });

test('a killed daemon is a predecessor at once', async (t) => {
  const stateDir = await tempFolder(t);
  const child = await StateChild.start(t, 'hold', stateDir, 'killed');
  const error = await t.throwsAsync<Error>(open(stateDir));
  t.is(
    error.message,
    `the state folder ${join(stateDir, 'net')} is in use by process ${child.pid}: a network of one name runs once; ` +
      'end it, or use another -state-dir',
  );
  await child.kill();
  const state = await open(stateDir);
  t.deepEqual(state.predecessors, ['killed']);
  await state.close();
});

test('a daemon killed while it writes leaves a whole snapshot, no older than what it said was on disk', async (t) => {
  const stateDir = await tempFolder(t);
  let last = 0;
  for (let round = 0; round < 8; round++) {
    const child = await StateChild.start(t, 'write', stateDir);
    const wanted = 1 + round * 7;
    await eventually('some snapshots', () => child.output.split('\n').length > wanted);
    await child.kill();
    const told = Number(child.output.trim().split('\n').at(-1));
    const state = await open(stateDir);
    const found = Number((await state.readSnapshot())?.listRevision);
    t.true(found === told || found === told + 1, `told ${told}, found ${found}`);
    await state.close();
    last = found;
  }
  t.true(last > 0);
  t.is(counters.get('stateUnreadable'), 0);
});
