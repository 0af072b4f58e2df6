// The UDP load program between two pods of a scene: it counts every packet, and tells when the first one came.

import test from 'ava';
import { setScenes } from '../../bench/scenes.js';
import { firstArrival, flood, roundTrips, steadySource } from '../../bench/udp-load.js';
import { Processes } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts } from '../helpers/lab.js';

test('packets between two pods on plain routes are all counted, however they are sent', async (t) => {
  if (!canMakeHosts(t)) return;
  const processes = new Processes();
  t.teardown(() => processes.close());
  const [scene] = await setScenes(processes, [{ name: 'plain', kind: 'plain' }], 1500);
  const { from, to } = scene!;

  for (const segments of [1, 32]) {
    const counted = await flood(from, to, { size: 64, seconds: 0.2, rate: 2000, segments });
    t.is(counted.sent % segments, 0);
    t.true(counted.sent > 0 && counted.sent <= 400, JSON.stringify(counted));
    t.is(counted.received, counted.sent);
  }
  const { p50, p99 } = await roundTrips(from, to, { size: 64, count: 50 });
  t.true(p50 > 0 && p99 >= p50);
  await t.throwsAsync(flood(from, to, { size: 64, seconds: 0.1, rate: 0, segments: 65 }), {
    message: /65: must be a number from 0 to 64/,
  });

  const arrival = firstArrival(to, to.address, 7777);
  await arrival.listening();
  t.is(arrival.at(), undefined);
  const before = Date.now();
  steadySource(from, to.address, 100);
  const at = await until(() => arrival.at(), { what: 'the first packet' });
  t.true(at >= before && at <= Date.now() + 1);
});
