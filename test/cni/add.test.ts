// ADD and what it leaves: a record before the delegate runs, nothing after one that failed, and one winner of two.

import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseNetworkUse, usesFolder, canonicalSubnetFile } from '../../src/network-uses.js';
import { ENV, RESULT, World } from './world.js';

test('the delegate’s result is passed on to the letter', async (t) => {
  const world = await World.create(t);
  const { code, stdout, told } = world.call('ADD');
  t.deepEqual({ code, stdout, told }, { code: 0, stdout: `${RESULT}\n`, told: '' });
  const [call, ...more] = world.calls();
  t.is(more.length, 0);
  t.like(call, { command: 'ADD', containerId: 'c0ffee', ifname: 'eth0', netns: world.netns });
});

test('before the delegate runs there is a record, upstream’s file and the use', async (t) => {
  const world = await World.create(t);
  world.wish(
    'ADD',
    `ls -A '${world.dataDir}' > '${world.folder}/seen'; ls -A '${world.usesRoot}'/* >> '${world.folder}/seen'`,
  );
  t.is(world.call('ADD').code, 0);
  t.is(readFileSync(join(world.folder, 'seen'), 'utf8'), 'c0ffee\nc0ffee:eth0.json\nc0ffee:eth0.json\n');
  t.is(statSync(world.dataDir).mode & 0o777, 0o700);
  for (const name of world.state()) t.is(statSync(world.stateFile(name)).mode & 0o777, 0o600, name);
  t.is(readFileSync(world.stateFile('c0ffee'), 'utf8'), world.calls()[0]?.conf ?? '');
  const folder = usesFolder(canonicalSubnetFile(world.subnetFile), world.usesRoot);
  t.deepEqual(parseNetworkUse(readFileSync(join(folder, 'c0ffee:eth0.json'), 'utf8')), {
    containerId: 'c0ffee',
    ifname: 'eth0',
    netns: world.netns,
    subnetFile: canonicalSubnetFile(world.subnetFile),
    dataDir: world.dataDir,
    network: '',
    name: 'cbr0',
  });
});

const FAILURES: readonly (readonly [string, string, number, RegExp])[] = [
  [
    'says what is wrong',
    `echo '{"code":7,"msg":"no such master","details":"eth9"}'; exit 1`,
    7,
    /^failed to delegate add: no such master$/,
  ],
  ['speaks on stderr alone', 'echo "panic: oh" >&2; exit 2', 103, /netplugin failed: panic: oh$/],
  ['says nothing', 'exit 3', 103, /netplugin failed with no error message: exit status 3$/],
  ['is killed', 'kill -9 $$', 103, /was killed by SIGKILL$/],
  ['prints no result', 'echo done; exit 0', 6, /printed no result$/],
  ['prints without end', 'yes', 103, /printed more than/],
];
for (const [what, script, number, message] of FAILURES) {
  test(`where the delegate ${what}, it is undone, and nothing stays`, async (t) => {
    const world = await World.create(t);
    world.wish('ADD', script);
    const { code, error } = world.call('ADD');
    t.is(code, 1);
    t.is(error.code, number);
    t.regex(error.msg, message);
    t.is(error.cniVersion, '1.0.0');
    t.is(world.commands(), 'ADD DEL');
    t.is(world.calls()[1]?.conf, world.calls()[0]?.conf);
    t.deepEqual([world.state(), world.uses()], [[], []]);
  });
}

test('the details of the delegate’s error are kept', async (t) => {
  const world = await World.create(t);
  world.wish('ADD', `echo '{"code":11,"msg":"busy","details":"for now"}'; exit 1`);
  t.like(world.call('ADD').error, { code: 11, details: 'for now' });
});

test('what could not be undone stays recorded, for DEL', async (t) => {
  const world = await World.create(t);
  world.wish('ADD', 'exit 1');
  world.wish('DEL', 'exit 1');
  const { error, told } = world.call('ADD');
  t.regex(error.msg, /^failed to delegate add/);
  t.regex(told, /could not be undone, which is left to DEL/);
  t.deepEqual(world.state(), ['c0ffee', 'c0ffee:eth0.json']);
  world.wish('DEL', undefined);
  t.is(world.call('DEL').code, 0);
  t.deepEqual([world.state(), world.uses()], [[], []]);
});

test('a container that has the interface already keeps it', async (t) => {
  const world = await World.create(t);
  t.is(world.call('ADD').code, 0);
  const { error } = world.call('ADD');
  t.is(error.code, 100);
  t.regex(error.msg, /^container c0ffee already has eth0/);
  t.is(world.commands(), 'ADD');
  t.is(world.call('ADD', {}, { ifname: 'net0' }).code, 0);
});

test('a container whose namespace is another by now begins anew', async (t) => {
  const world = await World.create(t);
  t.is(world.call('ADD').code, 0);
  const netns = join(world.folder, 'netns2');
  writeFileSync(netns, '');
  t.is(world.call('ADD', {}, { netns }).error.code, 100, 'the former one is still there');
  writeFileSync(`${world.netns}.new`, '');
  const { renameSync } = await import('node:fs');
  renameSync(`${world.netns}.new`, world.netns);
  t.is(world.call('ADD', {}, { netns }).code, 0);
  t.is(world.commands(), 'ADD DEL ADD');
  t.is(world.calls()[1]?.netns, '', 'what has the path by now is left alone');
});

test('what an ADD left that was killed, or that was before a boot, is taken away first', async (t) => {
  const world = await World.create(t);
  for (const [from, to] of [
    ['"complete":true ', '"complete":false'],
    [/"bootId":"[^"]*"/, '"bootId":"another"'],
  ] as const) {
    t.is(world.call('ADD').code, 0);
    const path = world.stateFile('c0ffee:eth0.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
    t.is(world.call('ADD').code, 0);
    t.is(world.call('DEL').code, 0);
  }
  t.is(world.commands(), 'ADD DEL ADD DEL ADD DEL ADD DEL');
  t.deepEqual([world.state(), world.uses()], [[], []]);
});

test('a delegate that is not there is named, and nothing begins', async (t) => {
  const world = await World.create(t);
  const { error } = world.call('ADD', { delegate: { type: 'macvlan' } });
  t.is(error.code, 102);
  t.is(error.msg, `failed to delegate add: failed to find plugin "macvlan" in path [${world.bin}]`);
  t.deepEqual([world.state(), world.uses()], [[], []]);
});

test('a delegate that may not be executed is told, and nothing stays but what DEL needs', async (t) => {
  const world = await World.create(t);
  chmodSync(join(world.bin, 'bridge'), 0o644);
  const { error } = world.call('ADD');
  t.is(error.code, 103);
  t.regex(error.msg, /cannot be executed: permission denied/);
});

test('a namespace that is none, or our own, is refused before anything begins', async (t) => {
  const world = await World.create(t);
  for (const netns of ['/nowhere/ns', '/proc/self/ns/net', `/proc/${process.pid}/ns/net`]) {
    const { error } = world.call('ADD', {}, { netns });
    t.is(error.code, 4, netns);
    t.regex(error.msg, /CNI_NETNS/);
  }
  t.is(world.commands(), '');
  t.is(world.call('ADD', {}, { netns: '/proc/self/ns/net', env: { CNI_NETNS_OVERRIDE: '1' } }).code, 0);
});

test('a folder that cannot be made is told', async (t) => {
  const world = await World.create(t);
  const dataDir = join(world.subnetFile, 'x');
  const { error } = world.call('ADD', { dataDir });
  t.is(error.code, 5);
  t.regex(error.msg, /subnet\.env\/x/);
  t.is(world.commands(), '');
});

test('no env file: upstream’s words, and the number that means later', async (t) => {
  const world = await World.create(t);
  const { error } = world.call('ADD', { subnetFile: '/nowhere/subnet.env' });
  t.is(
    error.msg,
    "failed to load flannel 'subnet.env' file: open /nowhere/subnet.env: no such file or directory. Check the flannel pod log for this node.",
  );
  t.is(error.code, 11);
  t.regex(error.details, /^flanneld: not running on this host/);
  t.false(existsSync(world.dataDir));
});

test('an env file that is none: what is missing', async (t) => {
  const world = await World.create(t);
  writeFileSync(world.subnetFile, ENV.replace(/FLANNEL_MTU.*\n/, ''));
  const { error } = world.call('ADD');
  t.is(error.code, 6);
  t.regex(error.msg, /subnet\.env is missing FLANNEL_MTU\. Check the flannel pod log/);
});

test('what is in the variables of the caller reaches the delegate, and nothing else is made of it', async (t) => {
  const world = await World.create(t);
  world.wish('ADD', `echo "$CNI_ARGS|$HOME" > '${world.folder}/seen'`);
  const env = { CNI_ARGS: 'K8S_POD_NAME=a;$(touch x);`id`', HOME: '/h' };
  t.is(world.call('ADD', {}, { env }).code, 0);
  t.is(readFileSync(join(world.folder, 'seen'), 'utf8'), `${env.CNI_ARGS}|/h\n`);
});
