// The plugin as runtimes meet it: versions, commands, and the error’s form.

import test from 'ava';
import fc from 'fast-check';
import { runPlugin } from '../../src/cni/plugin.js';
import { holds } from '../subnet/property.js';
import { World } from './world.js';

test('VERSION tells the versions there are, and needs nothing', async (t) => {
  const world = await World.create(t);
  const { code, stdout } = world.call('VERSION', '', { env: { CNI_PATH: '', CNI_CONTAINERID: '' } });
  t.is(code, 0);
  t.deepEqual(JSON.parse(stdout), {
    cniVersion: '1.1.0',
    supportedVersions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
  });
});

test('without a command it says what it is', async (t) => {
  const world = await World.create(t);
  const { code, stdout, told } = world.call('');
  t.deepEqual([code, stdout], [0, '']);
  t.regex(
    told,
    /^CNI Plugin flannel version 1\.2\.3 .*\nCNI protocol versions supported: 0\.1\.0, .*1\.1\.0\n$/,
  );
});

test('a version we do not speak is number 1, with those we do', async (t) => {
  const world = await World.create(t);
  for (const command of ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS']) {
    const { error } = world.call(command, { cniVersion: '2.0.0' });
    t.like(error, { code: 1, msg: 'incompatible CNI versions' });
    t.regex(error.details, /^config is "2\.0\.0", plugin supports \["0\.1\.0" .*"1\.1\.0"\]$/);
  }
  t.is(world.commands(), '');
});

for (const [command, version] of [
  ['CHECK', '0.3.1'],
  ['CHECK', ''],
  ['GC', '1.0.0'],
  ['STATUS', '1.0.0'],
] as const) {
  test(`${command} is not in version ${version || '(none)'}`, async (t) => {
    const world = await World.create(t);
    t.like(world.call(command, { cniVersion: version }).error, {
      code: 1,
      msg: `config version does not allow ${command}`,
    });
  });
}

test('a config without a version is one of the oldest, and the delegate’s has none either', async (t) => {
  const world = await World.create(t);
  t.is(world.call('ADD', { cniVersion: undefined }).code, 0);
  t.false((world.calls()[0]?.conf ?? '').includes('cniVersion'));
});

test('whatever comes in, it answers with the specification’s error', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constant('{"name":"x","subnetFile":"/nowhere","dataDir":"/nowhere/x"}'),
  );
  const env = fc.record({
    CNI_COMMAND: fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS'),
    CNI_CONTAINERID: fc.oneof(fc.constant('a'), fc.string()),
    CNI_IFNAME: fc.oneof(fc.constant('eth0'), fc.string()),
    CNI_NETNS: fc.string(),
    CNI_PATH: fc.oneof(fc.constant('/nowhere'), fc.string()),
  });
  holds(
    t,
    fc.property(env, text, (variables, conf) => {
      const { code, stdout } = runPlugin({
        env: variables,
        readConfig: () => conf,
        tell: () => undefined,
        passOn: () => undefined,
        pause: () => undefined,
        usesRoot: '/nowhere/uses',
        subnetDir: '/nowhere',
        version: '0',
      });
      if (code === 0) {
        t.is(variables.CNI_COMMAND, 'DEL');
        return;
      }
      const error = JSON.parse(stdout) as { code: number; msg: string; cniVersion: string };
      t.true(error.code > 0 && error.code !== 999, stdout);
      t.true(error.msg.length > 0 && error.cniVersion.length > 0);
    }),
    { numRuns: 300 },
  );
});
