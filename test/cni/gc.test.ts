// GC: what the runtime does not count among the valid attachments is released, of this network and no other.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { World } from './world.js';

const GC = { cniVersion: '1.1.0' };
const valid = (...ids: string[]): object => ({
  'cni.dev/valid-attachments': ids.map((containerID) => ({ containerID, ifname: 'eth0' })),
});

test('what is not valid goes, what is valid or of another network stays', async (t) => {
  const world = await World.create(t);
  for (const containerId of ['a', 'b']) world.call('ADD', {}, { containerId });
  world.call('ADD', { name: 'other' }, { containerId: 'c' });
  world.call('ADD', {}, { containerId: 'a', ifname: 'net0' });
  t.is(world.call('GC', { ...GC, ...valid('a') }).code, 0);
  t.deepEqual(world.state(), ['a', 'a:eth0.json', 'c', 'c:eth0.json']);
  t.deepEqual(world.uses(), ['a:eth0.json', 'c:eth0.json']);
  const dels = world.calls().filter(({ command }) => command === 'DEL');
  t.deepEqual(
    dels.map(({ containerId, ifname, netns }) => [containerId, ifname, netns]),
    [
      ['a', 'net0', world.netns],
      ['b', 'eth0', world.netns],
    ],
  );
});

test('the delegate collects as well, where it knows how', async (t) => {
  const world = await World.create(t);
  t.is(world.call('GC', { ...GC, ...valid('a') }).code, 0);
  t.is(world.commands(), 'VERSION GC');
  t.deepEqual(
    (JSON.parse(world.calls()[1]?.conf ?? '') as Record<string, unknown>)['cni.dev/valid-attachments'],
    [{ containerID: 'a', ifname: 'eth0' }],
  );
  world.wish('VERSION', `echo '{"supportedVersions":["1.0.0"]}'; exit 0`);
  t.is(world.call('GC', { ...GC, ...valid('a') }).code, 0);
  t.is(world.commands(), 'VERSION GC VERSION');
});

test('one that cannot be released does not keep the others, and is told', async (t) => {
  const world = await World.create(t);
  for (const containerId of ['a', 'b', 'c']) world.call('ADD', {}, { containerId });
  world.wish('DEL', `[ "$CNI_CONTAINERID" = b ] && { echo '{"code":11,"msg":"busy"}'; exit 1; }`);
  const { error } = world.call('GC', { ...GC, ...valid() });
  t.like(error, { code: 11, msg: 'b:eth0: busy' });
  t.deepEqual(world.state(), ['b', 'b:eth0.json']);
});

test('without an env file everything is released that can be, and the delegate’s part is told', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  rmSync(world.subnetFile);
  const { error } = world.call('GC', { ...GC, ...valid() });
  t.is(error.code, 11);
  t.regex(error.msg, /^delegate: failed to load flannel/);
  t.deepEqual([world.state(), world.uses()], [[], []]);
});

for (const [what, field] of [
  ['no list', {}],
  ['a list that is none', { 'cni.dev/valid-attachments': 'all' }],
  ['a member without a container', { 'cni.dev/valid-attachments': [{ ifname: 'eth0' }] }],
] as const) {
  test(`${what}: nothing is collected`, async (t) => {
    const world = await World.create(t);
    world.call('ADD');
    t.is(world.call('GC', { ...GC, ...field }).error.code, 7);
    t.is(world.state().length, 2);
    t.is(world.commands(), 'ADD');
  });
}

test('the empty list as Go writes it, and the field’s former name', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  t.is(
    world.call('GC', { ...GC, 'cni.dev/attachments': [{ containerID: 'c0ffee', ifname: 'eth0' }] }).code,
    0,
  );
  t.is(world.state().length, 2);
  t.is(world.call('GC', { ...GC, 'cni.dev/valid-attachments': null }).code, 0);
  t.is(world.state().length, 0);
});

test('what cannot be read is left, and said', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  const path = world.stateFile('c0ffee:eth0.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, '{');
  t.regex(world.call('GC', { ...GC, ...valid() }).told, /damaged, and left for a DEL/);
  writeFileSync(path, text.replace('"complete":true ', '"complete":false'));
  t.is(world.call('GC', { ...GC, ...valid() }).code, 0);
  t.deepEqual(world.state(), [], 'an ADD that was killed is nobody’s');
});
