// A short seeded chaos run, and proof that a run finds what it looks for: each rule is broken behind its back.

import test, { type ExecutionContext } from 'ava';
import { Processes } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts } from '../helpers/lab.js';
import { pause } from './pause.js';
import { reportText } from './report.js';
import { runFaults, type Outcome, type RunRequest } from './run.js';
import { makeSchedule } from './schedule.js';
import { LEASES, type Scene } from './scene.js';
import type { Setting } from './setting.js';

/** Fixed, so that `npm test` does the same every time; `npm run chaos` draws a new one. */
const SETTING: Setting = { seed: 20_260, minutes: 0.6, hosts: 4, backend: 'vxlan', ttlSeconds: 12 };

async function run(
  t: ExecutionContext,
  request: Pick<RunRequest, 'setting' | 'episodes' | 'sabotage' | 'settleBoundMs'>,
): Promise<Outcome> {
  const processes = new Processes();
  t.teardown(() => processes.close());
  const lines: string[] = [];
  const outcome = await runFaults({ ...request, processes, say: (line) => lines.push(line) });
  await processes.close();
  t.log(reportText(outcome));
  return outcome;
}

test.serial('a minute of chaos violates nothing', async (t) => {
  if (!canMakeHosts(t)) return;
  t.timeout(170_000);
  const { timeline, scene } = await run(t, { setting: SETTING, episodes: makeSchedule(SETTING) });
  t.deepEqual(
    timeline.violations.map(({ text }) => text),
    [],
  );
  t.true([...scene.figures.faults.values()].length >= 4);
  t.true(scene.account.healthy.sent > 1000);
});

/** What breaks each rule, unknown to the judges. */
const SABOTAGE: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'overlap: a lease inside another': async ({ etcd, ledger }) => {
    const name = `${LEASES}${ledger.leases[0]?.subnet.text.replace('.0/24', '.128-25') ?? ''}`;
    await etcd.store.put(name, '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"host-gw"}');
    await until(() => ledger.leases.length > 3, { what: 'the ledger to hear of it' });
    await etcd.store.delete(name);
  },
  'wrong-host: a route to the pod of another': async ({ nodes }) => {
    const [one, two, three] = nodes;
    if (one === undefined || two === undefined || three === undefined) throw new Error('three hosts');
    const { subnet } = await three.host.subnetEnv();
    const base = subnet.replace(/\.\d+\/.*/, '.0');
    const gateway = subnet.replace(/\/.*/, '');
    const [own, stolen] = [three.pod.address, two.pod.address];
    await three.pod.ip([
      ...['address flush dev eth0', `address add ${stolen}/32 dev eth0`],
      ...[`route add ${gateway} dev eth0`, `route add default via ${gateway}`],
    ]);
    await three.host.ip([`route add ${stolen}/32 dev cni0`]);
    // The daemon takes it away again within milliseconds.
    for (let round = 0; round < 60; round++) {
      await one.host.exec('ip', [
        'route',
        'replace',
        `${stolen}/32`,
        'via',
        base,
        'dev',
        'flannel.1',
        'onlink',
      ]);
      await pause(10);
    }
    await one.host.exec('ip', ['route', 'del', `${stolen}/32`]);
    await three.host.ip([`route del ${stolen}/32 dev cni0`]);
    await three.pod.readdress(own, '24', gateway);
  },
  'connectivity: a cut nobody is told of': async ({ cuts }) => {
    await cuts.cut([['host1', 'host2']]);
    await pause(1000);
    await cuts.healAll();
  },
  'lease: a lease that goes without a reason': async ({ etcd, ledger }) => {
    const [lease] = ledger.leases;
    await etcd.store.delete(lease?.name ?? '');
    await until(() => ledger.leases.length === 3, { what: 'its owner to claim it again' });
  },
  'exit: a daemon that ends': async ({ nodes }) => {
    nodes[0]?.life?.flanneld.process.signal('SIGTERM');
    await until(() => nodes[0]?.lives.length === 2, { what: 'it to be started again' });
  },
  'convergence: a route that stays wrong': async ({ nodes }) => {
    await nodes[2]?.host.ip(['route add 10.5.200.0/24 via 192.168.50.254 proto static']);
  },
};

test.serial('whatever breaks a rule is found, by the rule it breaks', async (t) => {
  if (!canMakeHosts(t)) return;
  t.timeout(170_000);
  const found: string[] = [];
  const outcome = await run(t, {
    setting: { ...SETTING, hosts: 3 },
    episodes: [{ number: 1, faults: [{ at: 0, fault: { kind: 'compact', forMs: 0 } }], endsAt: 0 }],
    settleBoundMs: 4000,
    sabotage: async (scene) => {
      for (const [what, break_] of Object.entries(SABOTAGE)) {
        await pause(1500);
        found.push(what.split(':')[0] ?? '');
        await break_(scene);
      }
    },
  });
  const rules = new Set<string>(outcome.timeline.violations.map(({ rule }) => rule));
  t.deepEqual(
    found.filter((rule) => !rules.has(rule)),
    [],
    'every rule has found its breach',
  );
  const text = reportText(outcome);
  t.regex(text, /verdict: \d+ violations/);
  t.regex(text, /npm run chaos -- --seed 20260/);
  t.regex(text, /the last lines of that daemon:\n {2}\{/);
  const strays = outcome.timeline.violations.filter((one) => one.text.includes('packets for others'));
  const wrong = outcome.timeline.violations.filter((one) =>
    /pod of host1 asked .* host3 answered/.test(one.text),
  );
  t.true(
    wrong.length > 0 && strays.length > 0,
    'packets for another host are counted there, and answers carry names',
  );
});
