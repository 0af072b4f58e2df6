// STATUS and the daemon's word: whether an ADD could succeed, and if not, why not.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { renderNetworkStatus, type NetworkStatus } from '../../src/network-status.js';
import { ownIdentity } from '../../src/process-identity.js';
import { World } from './world.js';

const NEW = { cniVersion: '1.1.0' };
const SINCE = '2026-11-26T04:00:00.000Z';

function say(world: World, fields: Partial<NetworkStatus> = {}): void {
  const network = fields.network ?? 'blue';
  const folder = join(world.folder, 'networks');
  mkdirSync(folder, { recursive: true });
  const status: NetworkStatus = {
    ...ownIdentity(),
    network,
    prefix: `/flannel/networks/${network}`,
    subnetFiles: [network === 'blue' ? world.subnetFile : `/run/flannel/networks/${network}.env`],
    state: 'ready',
    reason: '',
    since: SINCE,
    ...fields,
  };
  writeFileSync(join(folder, `${network}.status.json`), renderNetworkStatus(status));
}

test('an env file, a daemon that is ready, a delegate that is: 0', async (t) => {
  const world = await World.create(t);
  say(world);
  t.like(world.call('STATUS', NEW), { code: 0, stdout: '' });
  t.is(world.commands(), 'VERSION STATUS');
  say(world, { state: 'degraded', reason: 'etcd does not answer' });
  t.is(world.call('STATUS', NEW).code, 0);
});

test('an env file of a daemon that says nothing is enough', async (t) => {
  const world = await World.create(t);
  t.is(world.call('STATUS', NEW).code, 0);
});

test('what the delegate finds is told', async (t) => {
  const world = await World.create(t);
  world.wish('STATUS', `echo '{"code":50,"msg":"no kernel module"}'; exit 1`);
  t.like(world.call('STATUS', NEW).error, { code: 50, msg: 'no kernel module' });
});

test('a delegate that would refuse the version of an ADD is not available', async (t) => {
  const world = await World.create(t);
  world.wish('VERSION', `echo '{"supportedVersions":["1.0.0"]}'; exit 0`);
  const { error } = world.call('STATUS', NEW);
  t.is(error.code, 50);
  t.regex(error.msg, /bridge does not support CNI 1\.1\.0/);
});

const OBSTACLES: readonly (readonly [string, Partial<NetworkStatus>, number, RegExp])[] = [
  [
    'waits for etcd',
    { state: 'not-ready', reason: 'waiting for etcd: 10.0.0.1:2379 does not answer' },
    51,
    /^flanneld: network "blue" \(\/flannel\/networks\/blue\) is not ready since 2026-11-26T04:00:00\.000Z: waiting for etcd: 10\.0\.0\.1:2379 does not answer$/,
  ],
  [
    'is leaving',
    { state: 'leaving', reason: 'its config was deleted' },
    50,
    /is leaving since .*: its config was deleted$/,
  ],
  ['was stopped', { state: 'stopped' }, 51, /the daemon was stopped at 2026-11-26T04:00:00\.000Z$/],
  [
    'was killed',
    { pid: 1, startTicks: 1 },
    51,
    /the daemon \(pid 1\) is not running any more; its last word was ready, since/,
  ],
];
for (const [what, fields, number, details] of OBSTACLES) {
  test(`a network that ${what} is number ${number}, with the daemon’s reason`, async (t) => {
    const world = await World.create(t);
    say(world, fields);
    const { error } = world.call('STATUS', NEW);
    t.like(error, { code: number, msg: 'network blue is not ready' });
    t.regex(error.details, details);
  });

  test(`without an env file because the network ${what}: ADD and STATUS say so after upstream’s words`, async (t) => {
    const world = await World.create(t);
    say(world, fields);
    rmSync(world.subnetFile);
    for (const command of ['ADD', 'STATUS']) {
      const { error } = world.call(command, NEW);
      t.regex(
        error.msg,
        /^failed to load flannel 'subnet\.env' file: open .*: no such file or directory\. Check the flannel pod log for this node\.$/,
      );
      t.regex(error.details, details);
      t.is(error.code, command === 'ADD' ? 11 : number);
    }
  });
}

test('a daemon in a container, whose pid says nothing here, is believed', async (t) => {
  const world = await World.create(t);
  say(world, { pid: 1, pidNamespace: 'pid:[1]' });
  t.is(world.call('STATUS', NEW).code, 0);
});

test('a file that somebody else has removed is told as that', async (t) => {
  const world = await World.create(t);
  say(world);
  rmSync(world.subnetFile);
  t.regex(
    world.call('ADD').error.details,
    /is ready since .*; its env file was removed by somebody else: restart flanneld$/,
  );
});

test('a network by name is its status, wherever the file is', async (t) => {
  const world = await World.create(t);
  say(world, { network: 'red', state: 'not-ready', reason: 'out of subnets' });
  t.regex(
    world.call('ADD', { network: 'red', subnetFile: '/nowhere/red.env' }).error.details,
    /"red" .* out of subnets$/,
  );
});

test('a network that does not exist is told, with those there are', async (t) => {
  const world = await World.create(t);
  say(world);
  say(world, { network: 'red' });
  const { error } = world.call('ADD', { network: 'green', subnetFile: undefined });
  t.regex(error.msg, /open \/run\/flannel\/networks\/green\.env: no such file/);
  t.is(error.details, 'flanneld: there is no network "green" on this host; there are blue, red');
  t.is(
    world.call('STATUS', { ...NEW, network: 'green' }).error.code,
    50,
    'also where some env file is there',
  );
});

test('an env file that is no network’s is told, with those that are', async (t) => {
  const world = await World.create(t);
  say(world);
  const { error } = world.call('ADD', { subnetFile: '/nowhere/x.env' });
  t.is(
    error.details,
    `flanneld: no network of this host has the env file /nowhere/x.env; there are blue (${world.subnetFile})`,
  );
  say(world, { state: 'stopped' });
  t.is(
    world.call('ADD', { subnetFile: '/nowhere/x.env' }).error.details,
    `flanneld: not running on this host any more; it had the networks blue (${world.subnetFile})`,
  );
});

test('status files that are none are passed over', async (t) => {
  const world = await World.create(t);
  say(world, { state: 'stopped' });
  const folder = join(world.folder, 'networks');
  writeFileSync(join(folder, 'a.status.json'), '{');
  writeFileSync(join(folder, 'b.status.json'), 'x'.repeat(100_000));
  mkdirSync(join(folder, 'c.status.json'));
  t.regex(world.call('STATUS', NEW).error.details, /"blue"/);
});
