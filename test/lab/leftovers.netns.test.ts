// However a lab's runner ends, nothing of the lab stays: no process, no namespace, no file.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, flanneldCommand } from '../helpers/lab.js';
import { namespacesInUse, processesOf } from '../helpers/leftovers.js';

const RUNNER = resolve(import.meta.dirname, '../fixtures/lab-runner.js');
const DEMO = resolve(import.meta.dirname, '../../src/lab/demo.js');

/** Starts a program with a temporary folder of its own, which must be empty in the end. */
function launch(t: ExecutionContext, args: readonly string[]): { child: ChildProcess; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lab-test-'));
  const child = spawn(process.execPath, args, {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return { child, folder };
}

async function nothingLeft(
  t: ExecutionContext,
  pid: number,
  namespaces: readonly string[],
  folder: string,
): Promise<void> {
  const left = (): string[] => [...processesOf(pid), ...namespacesInUse(namespaces)];
  await until(() => left().length === 0, {
    what: 'everything of the lab to go',
    timeoutMs: 5000,
    state: left,
  });
  t.deepEqual(readdirSync(folder), [], 'no temporary file stays');
}

for (const { how, args, end } of [
  { how: 'closed in order on SIGTERM', args: [], end: 'SIGTERM' },
  { how: 'killed with SIGKILL', args: [], end: 'SIGKILL' },
  { how: 'ended by SIGINT, which it does not handle', args: [], end: 'SIGINT' },
  { how: 'ended by an exception', args: ['throw'], end: undefined },
] as const) {
  test.serial(`a runner ${how} leaves nothing behind`, async (t) => {
    if (!canMakeHosts(t)) return;
    const { child, folder } = launch(t, [RUNNER, ...args]);
    const pid = child.pid ?? 0;
    const exited = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    const { namespaces } = JSON.parse(line) as { namespaces: string[] };
    t.is(namespaces.length, 4 + 4 + 3, 'four network and UTS namespaces, three mount namespaces');
    if (end !== undefined) {
      // Four holders, etcd, the relay to it, the ping, the shell and its sleep.
      await until(() => processesOf(pid).length >= 9, {
        what: 'all of its processes to be found while it runs',
        state: () => processesOf(pid),
      });
      t.deepEqual(namespacesInUse(namespaces), namespaces, 'and its namespaces');
      child.kill(end);
    }
    await exited;
    await nothingLeft(t, pid, namespaces, folder);
  });
}

for (const [when, awaited] of [
  ['while its hosts come up', /are on the wire/],
  ['while it is left up', /To enter/],
] as const) {
  test.serial(`the demo interrupted ${when} leaves nothing behind`, async (t) => {
    if (!canMakeHosts(t)) return;
    const [program, script] = flanneldCommand();
    const { child, folder } = launch(t, [DEMO, '--keep', '--nodes', '2', '--flanneld', script ?? program]);
    const pid = child.pid ?? 0;
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (output += text));
    const exited = once(child, 'exit');
    await until(() => awaited.test(output), {
      what: String(awaited),
      timeoutMs: 30_000,
      state: () => output,
    });
    t.true(processesOf(pid).length > 0);
    child.kill('SIGINT');
    t.deepEqual(await exited, [0, null], output);
    await nothingLeft(t, pid, [], folder);
  });
}

test.serial('a demo whose flanneld fails says why, exits 1 and leaves nothing behind', async (t) => {
  if (!canMakeHosts(t)) return;
  const { child, folder } = launch(t, [DEMO, '--nodes', '2', '--flanneld', '/bin/false']);
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout!.resume();
  t.deepEqual(await once(child, 'close'), [1, null]);
  t.regex(errors, /^demo: flanneld on host\d ended \(exit 1\) before it wrote \/run\/flannel\/subnet\.env/);
  await nothingLeft(t, child.pid ?? 0, [], folder);
});
