// DEL: by the record alone, again and again, never a success that leaks. And both ways between upstream's plugin and ours.

import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { envOf, World } from './world.js';

test('DEL needs neither the env file nor the config of then', async (t) => {
  const world = await World.create(t);
  world.call('ADD', { delegate: { bridge: 'b1' } });
  rmSync(world.subnetFile);
  t.is(world.call('DEL', { delegate: { type: 'macvlan' } }).code, 0);
  const [add, del] = world.calls();
  t.is(del?.command, 'DEL');
  t.is(del?.conf, add?.conf);
  t.deepEqual([world.state(), world.uses()], [[], []]);
});

test('an env file of another network does not matter to what is attached', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  writeFileSync(world.subnetFile, envOf('10.9.0.0/16', '10.9.3.1/24'));
  t.is(world.call('DEL').code, 0);
  t.regex(world.calls()[1]?.conf ?? '', /10\.1\.17\.0\/24/);
});

test('DEL of what is not there succeeds, and asks nobody', async (t) => {
  const world = await World.create(t);
  t.like(world.call('DEL'), { code: 0, stdout: '', told: '' });
  world.call('ADD');
  world.call('DEL');
  t.like(world.call('DEL'), { code: 0, stdout: '', told: '' });
  t.is(world.commands(), 'ADD DEL');
});

test('a DEL that failed keeps everything for the next one, and says why', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  world.wish('DEL', `echo '{"code":11,"msg":"device is busy"}'; exit 1`);
  const { code, error } = world.call('DEL');
  t.is(code, 1);
  t.like(error, { code: 11, msg: 'device is busy' });
  t.deepEqual(world.state(), ['c0ffee', 'c0ffee:eth0.json']);
  t.is(world.uses().length, 1);
  world.wish('DEL', undefined);
  t.is(world.call('DEL').code, 0);
  t.deepEqual([world.state(), world.uses()], [[], []]);
});

test('a delegate that is gone keeps the record', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  renameSync(join(world.bin, 'bridge'), join(world.bin, 'other'));
  t.like(world.call('DEL').error, {
    code: 102,
    msg: `failed to find plugin "bridge" in path [${world.bin}]`,
  });
  t.deepEqual(world.state(), ['c0ffee', 'c0ffee:eth0.json']);
});

test('a namespace that has vanished, or is another by now, is not entered', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  world.call('DEL', {}, { netns: '/nowhere/ns' });
  t.is(world.calls()[1]?.netns, '');
  world.call('ADD');
  const { told } = world.call('DEL', {}, { netns: world.subnetFile });
  t.is(world.calls()[3]?.netns, '');
  t.regex(told, /another network namespace by now/);
  world.call('ADD');
  world.call('DEL', {}, { netns: '' });
  t.is(world.calls()[5]?.netns, '');
  t.deepEqual(world.state(), []);
});

test('a killed ADD is cleaned up at whatever point it was', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  const record = world.stateFile('c0ffee:eth0.json');
  const text = readFileSync(record, 'utf8').replace('"complete":true ', '"complete":false');
  // Nothing but temporary files; a record without upstream's file; all of it.
  for (const names of [[], ['c0ffee:eth0.json'], ['c0ffee:eth0.json', 'c0ffee']]) {
    for (const name of ['.c0ffee:eth0.json.record.12.tmp', '.c0ffee:eth0.json.upstream.13.tmp', ...names])
      writeFileSync(
        world.stateFile(name),
        name === 'c0ffee' ? (JSON.parse(text) as { conf: string }).conf : text,
      );
    if (!names.includes('c0ffee:eth0.json'))
      for (const name of ['c0ffee:eth0.json', 'c0ffee']) rmSync(world.stateFile(name));
    t.is(world.call('DEL').code, 0);
    t.deepEqual(world.state(), []);
  }
});

test('two interfaces in one folder go one by one, in either order', async (t) => {
  const world = await World.create(t);
  const other = { delegate: { bridge: 'kbr1' } };
  for (const order of [
    ['eth0', 'net0'],
    ['net0', 'eth0'],
  ] as const) {
    world.call('ADD', {}, { ifname: 'eth0' });
    world.call('ADD', other, { ifname: 'net0' });
    t.deepEqual(world.state(), ['c0ffee', 'c0ffee:eth0.json', 'c0ffee:net0.json']);
    const before = world.calls().length;
    for (const ifname of order) {
      t.is(world.call('DEL', {}, { ifname }).code, 0);
      t.is(world.call('DEL', {}, { ifname }).code, 0);
    }
    const after = world.calls().slice(before);
    t.deepEqual(
      after.map(({ ifname }) => ifname),
      [...order],
      'each once',
    );
    for (const { ifname, conf } of after) t.is(conf.includes('kbr1'), ifname === 'net0');
    t.deepEqual([world.state(), world.uses()], [[], []]);
  }
});

test('two interfaces of one network, with one config, do not take each other away', async (t) => {
  const world = await World.create(t);
  world.call('ADD', {}, { ifname: 'eth0' });
  world.call('ADD', {}, { ifname: 'net0' });
  world.call('DEL', {}, { ifname: 'eth0' });
  world.call('DEL', {}, { ifname: 'eth0' });
  t.deepEqual(world.state(), ['c0ffee', 'c0ffee:net0.json']);
  world.call('DEL', {}, { ifname: 'net0' });
  t.is(world.commands(), 'ADD ADD DEL DEL');
  t.deepEqual(world.state(), []);
});

const UPSTREAMS = '{"cniVersion":"0.3.1","ipam":{"type":"host-local"},"name":"cbr0","type":"bridge"}';

test('what upstream’s plugin has attached, ours takes away', async (t) => {
  const world = await World.create(t);
  world.call('ADD', {}, { containerId: 'other' });
  writeFileSync(world.stateFile('c0ffee'), UPSTREAMS);
  t.is(world.call('DEL').code, 0);
  const [, del] = world.calls();
  t.like(del, { command: 'DEL', conf: UPSTREAMS, netns: world.netns });
  t.deepEqual(world.state(), ['other', 'other:eth0.json']);
});

test('beside an attachment of upstream’s there is room for ours, and each goes by itself', async (t) => {
  const world = await World.create(t);
  world.call('ADD', {}, { containerId: 'other' });
  writeFileSync(world.stateFile('c0ffee'), UPSTREAMS);
  world.call('ADD', {}, { ifname: 'net0' });
  t.is(readFileSync(world.stateFile('c0ffee'), 'utf8'), UPSTREAMS, 'upstream’s file stays upstream’s');
  world.call('DEL', {}, { ifname: 'net0' });
  t.is(readFileSync(world.stateFile('c0ffee'), 'utf8'), UPSTREAMS);
  world.call('DEL', {}, { ifname: 'eth0' });
  t.false(existsSync(world.stateFile('c0ffee')));
});

test('what ours has attached, upstream’s plugin finds: of the first interface, and then of the next', async (t) => {
  const world = await World.create(t);
  world.call('ADD', { delegate: { bridge: 'b1' } }, { ifname: 'eth0' });
  world.call('ADD', { delegate: { bridge: 'b2' } }, { ifname: 'net0' });
  const [eth0 = '', net0 = ''] = world.calls().map(({ conf }) => conf);
  t.is(readFileSync(world.stateFile('c0ffee'), 'utf8'), eth0);
  world.call('DEL', {}, { ifname: 'eth0' });
  t.is(readFileSync(world.stateFile('c0ffee'), 'utf8'), net0);
});

test('after a rollback and back, what upstream’s has taken away is no hindrance', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  rmSync(world.stateFile('c0ffee'));
  t.is(world.call('DEL').code, 0);
  t.deepEqual([world.state(), world.uses()], [[], []]);
});

for (const [what, damage] of [
  ['empty', ''],
  ['no JSON', '{"version":1,'],
  ['of another attachment', '{"version":1,"complete":true,"containerId":"x","ifname":"eth0","conf":"{}"}'],
  ['a binary', '\0\x01\x02'],
] as const) {
  test(`a record that is ${what} is made good by a config made anew, so that nothing leaks`, async (t) => {
    const world = await World.create(t);
    world.call('ADD');
    writeFileSync(world.stateFile('c0ffee:eth0.json'), damage);
    rmSync(world.stateFile('c0ffee'));
    const { code, told } = world.call('DEL');
    t.is(code, 0);
    t.regex(told, /^failed to parse netconf: .*c0ffee:eth0\.json is damaged; DEL goes on/);
    t.is(world.calls()[1]?.conf, world.calls()[0]?.conf);
    t.deepEqual(world.state(), []);
  });
}

test('where no config can be made anew, a damaged record is an error, and stays', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  for (const name of ['c0ffee', 'c0ffee:eth0.json']) writeFileSync(world.stateFile(name), '{');
  rmSync(world.subnetFile);
  const { error } = world.call('DEL');
  t.is(error.code, 11);
  t.regex(
    error.msg,
    /^failed to parse netconf: .*c0ffee:eth0\.json is damaged, and no config can be made in its place/,
  );
  t.deepEqual(world.state(), ['c0ffee', 'c0ffee:eth0.json']);
});

test('a record that is a link is not followed', async (t) => {
  const world = await World.create(t);
  world.call('ADD', {}, { containerId: 'other' });
  const secret = join(world.folder, 'secret');
  writeFileSync(secret, UPSTREAMS);
  for (const name of ['c0ffee:eth0.json', 'c0ffee']) symlinkSync(secret, world.stateFile(name));
  t.is(world.call('DEL').code, 0);
  t.true(existsSync(secret));
  t.not(world.calls().at(-1)?.conf, UPSTREAMS);
});
