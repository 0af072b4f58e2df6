// The numbers of a network's kernel objects: what is wanted, what is there, what was put right.

import test from 'ava';
import { countWanted, NONE } from '../../src/kernel/census.js';
import { damage, repaired, scene, settled, wanted } from './reconciler-scene.js';

const TWO_PEERS = { link: 1, address: 1, route: 2, neighbour: 2, fdb: 2 };

test('what is there is what is wanted once that is reached, whatever others have there', async (t) => {
  const s = await scene(t);
  t.deepEqual(s.reconciler.own, NONE, 'nothing is known before the first reading');
  await settled(s, wanted(2));
  t.deepEqual(countWanted(wanted(2)), TWO_PEERS);
  t.deepEqual(s.reconciler.own, TWO_PEERS);
  s.kernel.addLink({ name: 'docker0', mac: '02:00:00:00:02:02', addresses: ['172.17.0.1/16'] });
  await repaired(s);
  t.deepEqual(s.reconciler.own, TWO_PEERS);
  await settled(s, wanted(1));
  t.deepEqual(s.reconciler.own, { link: 1, address: 1, route: 1, neighbour: 1, fdb: 1 });
  t.deepEqual(s.reconciler.state.repairs, NONE, 'what the wish changes is no repair');
});

test('a range that is dropped counts among the wanted routes', (t) => {
  const [route] = wanted(1).routes;
  t.is(countWanted(wanted(2, { blackholes: [route!.dst] })).route, 3);
});

for (const [what, break_] of damage) {
  test(`${what}: the repairs by kind add up to the counter`, async (t) => {
    const s = await scene(t);
    await settled(s, wanted(2));
    await s.byHand(break_(s.kernel));
    await repaired(s);
    const { repairs } = s.reconciler.state;
    const sum = Object.values(repairs).reduce((total, count) => total + count, 0);
    t.true(sum > 0);
    t.is(sum, s.counters.get('repairs'));
    t.deepEqual(s.reconciler.own, TWO_PEERS);
  });
}
