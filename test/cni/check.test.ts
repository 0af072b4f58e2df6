// CHECK asks the delegate, with what it was given at ADD and what the runtime remembers.

import { rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { withGateways } from '../../src/cni/check-result.js';
import { envOf, World } from './world.js';

const PREVIOUS = { cniVersion: '1.0.0', ips: [{ address: '10.1.17.2/24' }] };

test('the delegate gets its own config, the version and the result of now', async (t) => {
  const world = await World.create(t);
  world.call('ADD', { delegate: { bridge: 'b1' } });
  const { code } = world.call('CHECK', {
    cniVersion: '0.4.0',
    prevResult: PREVIOUS,
    runtimeConfig: { mac: 'x' },
  });
  t.is(code, 0);
  const [add, check] = world.calls();
  t.is(check?.command, 'CHECK');
  const conf = JSON.parse(add?.conf ?? '') as object;
  t.deepEqual(JSON.parse(check?.conf ?? ''), {
    ...conf,
    cniVersion: '0.4.0',
    prevResult: PREVIOUS,
    runtimeConfig: { mac: 'x' },
  });
  t.is(world.state().length, 2);
});

test('what the delegate finds wrong is told', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  world.wish('CHECK', `echo '{"code":7,"msg":"eth0 has no address"}'; exit 1`);
  t.like(world.call('CHECK').error, { code: 7, msg: 'eth0 has no address' });
});

test('an attachment that nobody has made is number 3', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  const { error } = world.call('CHECK', {}, { ifname: 'net0' });
  t.like(error, { code: 3, msg: 'container c0ffee has no net0 of network cbr0' });
  t.is(world.commands(), 'ADD');
});

test('addresses of a subnet that the host has no more are number 101', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  writeFileSync(world.subnetFile, envOf('10.1.0.0/16', '10.1.20.1/24'));
  const { error } = world.call('CHECK');
  t.is(error.code, 101);
  t.regex(error.msg, /^the addresses are of 10\.1\.17\.0\/24, and this host now has 10\.1\.20\.0\/24/);
});

test('a missing env file is no fault of the container', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  rmSync(world.subnetFile);
  const { code, told } = world.call('CHECK');
  t.is(code, 0);
  t.regex(told, /^not compared with/);
});

test('an attachment of upstream’s plugin is checked as well', async (t) => {
  const world = await World.create(t);
  world.call('ADD', {}, { containerId: 'other' });
  writeFileSync(world.stateFile('c0ffee'), '{"type":"bridge","name":"cbr0"}');
  t.is(world.call('CHECK').code, 0);
  t.deepEqual(JSON.parse(world.calls()[1]?.conf ?? ''), {
    type: 'bridge',
    name: 'cbr0',
    cniVersion: '1.0.0',
  });
});

test('a damaged record is number 6', async (t) => {
  const world = await World.create(t);
  world.call('ADD');
  writeFileSync(world.stateFile('c0ffee:eth0.json'), '{');
  t.like(world.call('CHECK').error, { code: 6 });
});

test('routes of the result get the gateway that ADD gave them, by family', (t) => {
  const ips = [
    { address: '10.1.17.2/24', gateway: '10.1.17.1' },
    { address: 'fc00::2/64', gateway: 'fc00::1' },
  ];
  const routes = [{ dst: '10.1.0.0/16' }, { dst: 'fc00::/48' }, { dst: '10.9.0.0/16', gw: '10.1.17.9' }];
  t.deepEqual(withGateways({ ips, routes, dns: {} }), {
    ips,
    dns: {},
    routes: [
      { dst: '10.1.0.0/16', gw: '10.1.17.1' },
      { dst: 'fc00::/48', gw: 'fc00::1' },
      { dst: '10.9.0.0/16', gw: '10.1.17.9' },
    ],
  });
  for (const result of [
    undefined,
    null,
    'x',
    {},
    { ips: [null, {}], routes: [null, 1, { dst: 1 }, { dst: '::/0' }] },
  ])
    t.deepEqual(withGateways(result), result);
});
