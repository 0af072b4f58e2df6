// The plugin as a file that is executed: stdin, stdout, exit code. Needs no namespaces.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { pluginFolder } from '../helpers/cni-plugin.js';
import { CniRuntime } from '../../src/lab/cni-runtime.js';
import { tempFolder } from '../helpers/temp-folder.js';

const POD = { containerId: 'c0ffee', ifname: 'eth0', netns: '/nowhere/ns' };

test('a config of more than a mebibyte is not read to its end', async (t) => {
  const runtime = new CniRuntime({ path: [await pluginFolder(t)] });
  const { code, stdout } = await runtime.run('ADD', 'flannel', ' '.repeat(4 * 1024 * 1024), POD);
  t.is(code, 1);
  t.like(JSON.parse(stdout), { code: 6, msg: 'the config on stdin is longer than 1048576 bytes' });
});

test('what is wrong is one JSON object on stdout, and exit 1', async (t) => {
  const runtime = new CniRuntime({ path: [await pluginFolder(t)] });
  const { code, stdout, stderr } = await runtime.run(
    'ADD',
    'flannel',
    '{"name":"x","subnetFile":"/nowhere/x.env"}',
    POD,
  );
  t.is(code, 1);
  t.is(stderr, '');
  t.like(JSON.parse(stdout), { cniVersion: '1.1.0', code: 11 });
});

test('a DEL of what never was succeeds without a word', async (t) => {
  const runtime = new CniRuntime({ path: [await pluginFolder(t)] });
  const conf = { name: 'x', dataDir: await tempFolder(t) };
  t.deepEqual(await runtime.run('DEL', 'flannel', conf, POD), {
    code: 0,
    signal: null,
    stdout: '',
    stderr: '',
  });
});

test('without a command it says what it is, on stderr', async (t) => {
  const { status, stdout, stderr } = spawnSync(join(await pluginFolder(t), 'flannel'), [], {
    env: {},
    encoding: 'utf8',
  });
  t.deepEqual([status, stdout], [0, '']);
  t.regex(stderr, /^CNI Plugin flannel version \d/);
});

test('a runtime that does not listen is no reason to fail otherwise', async (t) => {
  const child = spawn(join(await pluginFolder(t), 'flannel'), [], { env: { CNI_COMMAND: 'VERSION' } });
  child.stdout.destroy();
  child.stdin.end();
  t.deepEqual(await once(child, 'exit'), [0, null]);
});
