// Probes between pods: every one is accounted for, and whoever answers says who it is.

import test from 'ava';
import type { ProbeResult } from '../../src/lab/echo-probe.js';
import { Lab } from '../../src/lab/lab.js';
import { Prober } from '../../src/lab/prober.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts } from '../helpers/lab.js';

test('every probe is answered by name or counted as lost; what cannot be sent says why', async (t) => {
  if (!canMakeHosts(t)) return;
  const lab = await Lab.create();
  t.teardown(() => lab.close());
  const [one, two] = [await lab.addHost(), await lab.addHost()];
  const results: ProbeResult[] = [];
  const asking = new Prober(one, { name: 'one', intervalMs: 20, onResult: (result) => results.push(result) });
  new Prober(two, { name: 'two', intervalMs: 20, onResult: () => undefined });
  const of = (wanted: string): ProbeResult[] => results.filter(({ to }) => to === wanted);

  asking.aim([['two', two.address]]);
  await until(() => of('two').filter(({ answeredBy }) => answeredBy === 'two').length > 20, {
    what: 'answers of the other',
    state: () => results.slice(-3),
  });
  // The same address under another name: the answer tells who it came from.
  asking.aim([
    ['somebody', two.address],
    ['nobody', '192.168.50.77'],
  ]);
  await until(() => of('nobody').length > 20, { what: 'losses', timeoutMs: 20_000 });
  t.true(of('somebody').every(({ answeredBy }) => answeredBy === 'two'));
  t.true(of('nobody').every(({ answeredAt }) => answeredAt === undefined));

  await one.ip(['link set eth0 down']);
  asking.aim([['two', two.address]]);
  await until(() => of('two').some(({ error }) => error !== undefined), { what: 'a refusal to send' });
  t.is(of('two').find(({ error }) => error !== undefined)?.error, 'ENETUNREACH');
  await asking.finish();
  const calm = of('two').filter(({ error }) => error === undefined);
  t.deepEqual(
    calm.filter(({ answeredAt }) => answeredAt === undefined).length <= 1,
    true,
    'at most the one that was on its way when the link went down',
  );
});
