// Twenty daemons at once: on a pool that is just large enough, and on one that is two subnets too small.

import test from 'ava';
import { Processes } from '../../src/lab/processes.js';
import { canMakeHosts } from '../helpers/lab.js';
import { DAEMONS, exhaustion, simultaneousStart } from './pools.js';
import { violationsText } from './report.js';

for (const [title, scenario, freed] of [
  [
    `${DAEMONS} daemons that start at once on ${DAEMONS} subnets get one each, and none ends`,
    simultaneousStart,
    0,
  ],
  [`on ${DAEMONS - 2} subnets two wait, say why, and are ready at once when one is freed`, exhaustion, 2],
] as const) {
  test.serial(title, async (t) => {
    if (!canMakeHosts(t)) return;
    t.timeout(170_000);
    const processes = new Processes();
    t.teardown(() => processes.close());
    const { timeline, readySeconds, freedSeconds } = await scenario('vxlan', processes, () => undefined);
    await processes.close();
    t.log({ readySeconds, freedSeconds });
    t.deepEqual(timeline.violations, [], violationsText(timeline));
    t.is(freedSeconds.length, freed);
  });
}
