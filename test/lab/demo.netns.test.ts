// The demo as a user runs it: what it prints and how it exits.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import test from 'ava';
import { hasPlugins } from '../helpers/cni-plugin.js';
import { canMakeHosts, flanneldCommand } from '../helpers/lab.js';

const DEMO = resolve(import.meta.dirname, '../../src/lab/demo.js');

function demo(
  args: readonly string[],
  timeout = 60_000,
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [DEMO, ...args], { encoding: 'utf8', timeout });
}

test.serial('it shows three hosts, a full ping matrix and a throughput, and exits 0', (t) => {
  if (!canMakeHosts(t)) return;
  const [program, script] = flanneldCommand();
  const { status, stdout, stderr } = demo(['--flanneld', script ?? program]);
  t.is(status, 0, stderr);
  for (const number of [1, 2, 3]) {
    t.regex(
      stdout,
      new RegExp(`^host${number}  192\\.168\\.50\\.${number}  10\\.5\\.\\d+\\.0/24 +1450  vxlan$`, 'm'),
    );
  }
  t.regex(stdout, /Round trips from pod to pod \(6 of 6 pairs reached\)/);
  t.notRegex(stdout, /LOST/);
  t.regex(stdout, /^TCP from host1-pod1 to host3-pod1: [\d.]+ [MG]bit\/s$/m);
});

test.serial('with two networks it replays the guide both ways, and shows that ours keeps them apart', (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const { status, stdout, stderr } = demo(['--networks', '2', '--nodes', '2'], 120_000);
  t.is(status, 0, stderr);
  const [, ours = ''] = stdout.split('Ours: one daemon, and one put for each network');
  t.regex(ours, /^net1 +10\.5\.0\.0\/16 +docker0 +eth0 +\S+ \S+ +2 of 2 +0 of 2$/m);
  t.regex(ours, /^net2 +173\.17\.0\.0\/16 +kbr1 +net0 +\S+ \S+ +2 of 2 +0 of 2$/m);
  t.regex(ours, /every host has joined it after \d+ ms/);
});

test('a wrong option is one line and exit 2; help is exit 0', (t) => {
  const wrong = demo(['--nodes', 'many']);
  t.deepEqual([wrong.status, wrong.stdout], [2, '']);
  t.regex(wrong.stderr, /^demo: --nodes many: [^\n]+\n$/);
  const help = demo(['--help']);
  t.is(help.status, 0);
  for (const option of ['--backend', '--nodes', '--keep', '--help']) t.true(help.stdout.includes(option));
});
