// The demo with host-gw, as a user runs it: the hosts it lists and the pairs that reach each other.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import test from 'ava';
import { canMakeHosts, flanneldCommand } from '../helpers/lab.js';

const DEMO = resolve(import.meta.dirname, '../../src/lab/demo.js');

test.serial('the demo shows three host-gw hosts with the MTU of the wire, and exits 0', (t) => {
  if (!canMakeHosts(t)) return;
  const [program, script] = flanneldCommand();
  const args = [DEMO, '--backend', 'host-gw', '--flanneld', script ?? program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  t.is(status, 0, stderr);
  for (const number of [1, 2, 3]) {
    const row = `^host${number}  192\\.168\\.50\\.${number}  10\\.5\\.\\d+\\.0/24 +1500  host-gw$`;
    t.regex(stdout, new RegExp(row, 'm'));
  }
  t.regex(stdout, /Round trips from pod to pod \(6 of 6 pairs reached\)/);
});
