// Who is still at work on an ADD: known by the variables all of its processes have, and none but those.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { addsUnderWay, awaitQuiet } from '../../src/cni/under-way.js';
import { CniError } from '../../src/cni/errors.js';
import type { PluginParts } from '../../src/cni/parts.js';

async function process_(t: ExecutionContext, env: Record<string, string>): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', 'echo ready; exec cat'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

const ADD = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: `under-way-${process.pid}`, CNI_IFNAME: 'eth0' };
const ID = ADD.CNI_CONTAINERID;

test('a delegate that was left behind is found, and waited for', async (t) => {
  t.deepEqual(addsUnderWay(ID, 'eth1'), []);
  const child = await process_(t, { ...ADD, CNI_IFNAME: 'eth1' });
  t.deepEqual(addsUnderWay(ID, 'eth1'), [child.pid]);
  let pauses = 0;
  const pause = (): void => {
    if (++pauses === 3) child.kill('SIGKILL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  };
  awaitQuiet({ pause } as unknown as PluginParts, ID, 'eth1');
  t.true(pauses >= 3);
});

test('one that does not end is named, after a while', async (t) => {
  const child = await process_(t, { ...ADD, CNI_IFNAME: 'eth2' });
  const parts = { pause: () => undefined } as unknown as PluginParts;
  const error = t.throws(
    () => {
      awaitQuiet(parts, ID, 'eth2');
    },
    { instanceOf: CniError },
  );
  t.is(error.code, 11);
  t.is(error.details, `process ${String(child.pid)}`);
});

test('another command, another container and another interface are none', async (t) => {
  await process_(t, { ...ADD, CNI_COMMAND: 'DEL' });
  await process_(t, { ...ADD, CNI_CONTAINERID: `${ID}0` });
  await process_(t, { ...ADD, CNI_IFNAME: 'eth00' });
  t.deepEqual(addsUnderWay(ID, 'eth0'), []);
});

test('those that started us are none', async (t) => {
  const script = `import('${new URL('../../src/cni/under-way.js', import.meta.url).href}').then((m) => console.log(JSON.stringify(m.addsUnderWay('${ID}', 'eth3'))))`;
  const env = { ...ADD, CNI_IFNAME: 'eth3', NODE: process.execPath, SCRIPT: script };
  const child = spawn('/bin/sh', ['-c', '"$NODE" -e "$SCRIPT"; true'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  t.is(output.toString().trim(), '[]');
});
