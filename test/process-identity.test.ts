// Whether a process that a file names still lives, told from others that have its number.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { livenessOf, ownIdentity } from '../src/process-identity.js';

test('this process lives, and is told from an earlier one of its number', (t) => {
  const own = ownIdentity();
  t.is(own.pid, process.pid);
  t.is(livenessOf(own), 'alive');
  t.is(livenessOf({ pid: own.pid }), 'alive');
  t.is(livenessOf({ ...own, startTicks: (own.startTicks ?? 0) - 1 }), 'gone');
});

test('a process that has ended is gone', async (t) => {
  const child = spawn('true');
  const pid = child.pid ?? 0;
  await once(child, 'exit');
  t.is(livenessOf({ pid }), 'gone');
});

test('a pid of another namespace says nothing here', (t) => {
  t.is(livenessOf({ pid: process.pid, pidNamespace: 'pid:[1]' }), 'unknown');
});
