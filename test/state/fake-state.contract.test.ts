// The contract of the state on the fake, and what only the fake can do.

import test from 'ava';
import { stateContract, StateWorld, rejectsWithState } from '../contract/state.js';
import { FakeStateFolder } from '../fakes/fake-state.js';
import { PREFIX, snapshot } from '../helpers/snapshots.js';

stateContract(test, () => {
  const folder = new FakeStateFolder();
  const world = new StateWorld();
  return Promise.resolve({
    world,
    open: (prefix = PREFIX) => folder.open({ ...world.parts, prefix }),
    raw: {
      snapshot: () => Promise.resolve(folder.snapshot),
      bad: () => Promise.resolve(folder.bad),
      put: (bytes) => {
        folder.snapshot = bytes;
        return Promise.resolve();
      },
    },
  });
});

test('a killed holder has no effect any more, and the folder is free at once', async (t) => {
  const folder = new FakeStateFolder();
  const parts = { ...new StateWorld().parts, prefix: PREFIX };
  const first = await folder.open(parts);
  await first.begin('a');
  folder.kill();
  const second = await folder.open(parts);
  t.deepEqual(second.predecessors, ['a']);
  await rejectsWithState(t, first.writeSnapshot(snapshot()), 'closed');
  await first.close();
  await second.writeSnapshot(snapshot());
  t.is(folder.written, 1);
});

test('on a read-only disk nothing is opened or written', async (t) => {
  const folder = new FakeStateFolder();
  const parts = { ...new StateWorld().parts, prefix: PREFIX };
  const state = await folder.open(parts);
  folder.readOnly = true;
  await rejectsWithState(t, state.begin('a'), 'unusable');
  await rejectsWithState(t, state.writeSnapshot(snapshot()), 'unusable');
  await rejectsWithState(t, folder.open(parts), 'unusable');
});
