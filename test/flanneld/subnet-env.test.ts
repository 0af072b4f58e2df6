// The env file: flannel's bytes, tolerant reading, and a write that nobody sees half done.

import { mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
  linkAlias,
  parseSubnetEnv,
  readSubnetEnv,
  renderSubnetEnv,
  systemEnvFiles,
  writeSubnetEnv,
} from '../../src/flanneld/subnet-env.js';
import { cidr } from '../../src/subnet/cidr.js';

const GOLDEN = `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.71.1/24
FLANNEL_IPV6_NETWORK=fc00:5::/48
FLANNEL_IPV6_SUBNET=fc00:5:0:47::1/64
FLANNEL_MTU=1450
FLANNEL_IPMASQ=true
`;

async function directory(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'flanneld-env-'));
  t.teardown(() => rm(path, { recursive: true }));
  return path;
}

test('the file reads as flannel writes it, in both families', (t) => {
  const env = {
    networks: { 4: cidr('10.5.0.0/16'), 6: cidr('fc00:5::/48') },
    subnets: { 4: cidr('10.5.71.0/24'), 6: cidr('fc00:5:0:47::/64') },
    mtu: 1450,
    ipMasq: true,
  };
  t.is(renderSubnetEnv(env), GOLDEN);
  t.is(
    renderSubnetEnv({
      ...env,
      networks: { 4: env.networks[4] },
      subnets: { 4: env.subnets[4] },
      ipMasq: false,
    }),
    'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.71.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n',
  );
});

const readings: readonly (readonly [string, string, object])[] = [
  [
    'what was written',
    GOLDEN,
    { networks: ['10.5.0.0/16', 'fc00:5::/48'], subnets: { 4: '10.5.71.0/24', 6: 'fc00:5:0:47::/64' } },
  ],
  [
    'quotes, comments and export',
    `export FLANNEL_SUBNET="10.5.7.1/24" # ours`,
    { networks: [], subnets: { 4: '10.5.7.0/24' } },
  ],
  [
    'a list with one good member',
    'FLANNEL_SUBNET=x,10.5.7.1/24',
    { networks: [], subnets: { 4: '10.5.7.0/24' } },
  ],
  ['two good members as none', 'FLANNEL_SUBNET=10.5.8.1/24,10.5.7.1/24', { networks: [], subnets: {} }],
  [
    'several networks',
    'FLANNEL_NETWORK=10.1.0.0/16,192.168.0.0/16',
    { networks: ['10.1.0.0/16', '192.168.0.0/16'], subnets: {} },
  ],
  ['a foreign file as nothing', 'foo=bar\n\0\0', { networks: [], subnets: {} }],
];
for (const [what, text, expected] of readings) {
  test(`reading accepts ${what}`, (t) => {
    t.deepEqual(parseSubnetEnv(text) as object, expected);
  });
}

test('no text whatever makes reading fail', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
      parseSubnetEnv(`FLANNEL_SUBNET=${text}`);
      parseSubnetEnv(text);
    }),
  );
  t.pass();
});

test('a write makes the directories, leaves mode 0644 and no temporary file', async (t) => {
  const path = join(await directory(t), 'a', 'b', 'subnet.env');
  const before = process.umask(0o077);
  t.teardown(() => process.umask(before));
  await writeSubnetEnv(path, GOLDEN);
  await writeSubnetEnv(path, GOLDEN);
  t.is(await readFile(path, 'utf8'), GOLDEN);
  t.is((await stat(path)).mode & 0o777, 0o644);
  t.deepEqual(await readdir(join(path, '..')), ['subnet.env']);
});

test('a write that fails says so and leaves the old file', async (t) => {
  const root = await directory(t);
  await writeFile(join(root, 'file'), 'old');
  await t.throwsAsync(writeSubnetEnv(join(root, 'file', 'subnet.env'), GOLDEN), { code: 'EEXIST' });
  t.is(await readFile(join(root, 'file'), 'utf8'), 'old');
});

test('no file reads as none', async (t) => {
  t.is(await readSubnetEnv(join(await directory(t), 'missing')), undefined);
});

test('the other name is a link to the file, made once, and never over somebody else’s file', async (t) => {
  const root = await directory(t);
  const path = join(root, 'subnet.env');
  t.true(await linkAlias(path));
  t.true(await linkAlias(path));
  t.is(await readlink(join(root, 'subnets.env')), 'subnet.env');
  const other = await directory(t);
  await writeFile(join(other, 'subnets.env'), 'theirs');
  t.false(await linkAlias(join(other, 'subnet.env')));
  t.is(await readFile(join(other, 'subnets.env'), 'utf8'), 'theirs');
});

test('a link laid in the way of the temporary file is not followed', async (t) => {
  const root = await directory(t);
  const victim = join(root, 'victim');
  await writeFile(victim, 'theirs', { mode: 0o600 });
  await symlink(victim, join(root, `.subnet.env.${process.pid}.tmp`));
  await writeSubnetEnv(join(root, 'subnet.env'), GOLDEN);
  t.is(await readFile(victim, 'utf8'), 'theirs');
  t.is((await stat(victim)).mode & 0o777, 0o600);
  t.is(await readFile(join(root, 'subnet.env'), 'utf8'), GOLDEN);
});

test('a hostile file is read in no time', (t) => {
  const started = performance.now();
  parseSubnetEnv(`FLANNEL_NETWORK=${' '.repeat(60_000)}#\u2028`);
  parseSubnetEnv(`${' '.repeat(60_000)}!`);
  t.true(performance.now() - started < 2_000);
});

test('a network that is everything is none', (t) => {
  const text = 'FLANNEL_NETWORK=1.2.3.4/0,10.5.0.0/16\nFLANNEL_IPV6_NETWORK=fc00::1/0\n';
  t.deepEqual(parseSubnetEnv(text).networks, [cidr('10.5.0.0/16')]);
});

test('of a file beyond the limit no half of a line is taken', (t) => {
  const line = 'FLANNEL_NETWORK=10.5.0.0/16';
  const fill = (length: number): string => `#${'x'.repeat(length - 2)}\n`;
  // The limit falls behind the 1 of 16.
  t.deepEqual(parseSubnetEnv(`${fill(65_536 - line.length + 1)}${line}\n`).networks, []);
  t.deepEqual(parseSubnetEnv(`${fill(65_536 - line.length - 1)}${line}\n`).networks, [cidr('10.5.0.0/16')]);
  t.deepEqual(parseSubnetEnv(`${line}\n${fill(70_000)}`).networks, [cidr('10.5.0.0/16')]);
});

test('no more of a file is read than is looked at, whatever it is', async (t) => {
  t.deepEqual(await readSubnetEnv('/dev/zero'), { networks: [], subnets: {} });
  const path = join(await directory(t), 'subnet.env');
  // Bytes count, and not characters: this file ends in the middle of its last line, too.
  const line = 'FLANNEL_NETWORK=10.5.0.0/16\n';
  await writeFile(path, `#${'é'.repeat((65_538 - line.length - 2) / 2)}\n${line}`);
  t.is((await stat(path)).size, 65_538);
  t.deepEqual(await readSubnetEnv(path), { networks: [], subnets: {} });
});

test('a file that is removed takes its other name along, and nobody else’s; one that is not there is removed already', async (t) => {
  const folder = await directory(t);
  const file = join(folder, 'subnet.env');
  await systemEnvFiles.write(file, 'FLANNEL_MTU=1450\n');
  t.true(await systemEnvFiles.linkAlias(file));
  await systemEnvFiles.remove(file);
  await systemEnvFiles.remove(file);
  t.deepEqual(await readdir(folder), []);
  await writeFile(join(folder, 'subnets.env'), 'mine');
  await systemEnvFiles.write(file, 'FLANNEL_MTU=1450\n');
  await systemEnvFiles.remove(file);
  t.deepEqual(await readdir(folder), ['subnets.env']);
});
