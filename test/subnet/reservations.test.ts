// Reservations by command: made, listed, used by their node, and dropped.

import test from 'ava';
import { acquireLease } from '../../src/subnet/acquire.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { ConfigError, RegistryError } from '../../src/subnet/errors.js';
import { parseNetworkConfig } from '../../src/subnet/network-config.js';
import { dropReservation, reserve, reservationsIn } from '../../src/subnet/reservations.js';
import { attributes, DAY_S, THEIRS_ATTRIBUTES, World } from './world.js';

const TEXT = '{"Network":"10.5.0.0/16"}';
const HOLDER = { publicIp: ip('192.168.50.1'), nodeId: 'node-1' };

function world(): World {
  const made = new World();
  made.store.put('/coreos.com/network/config', TEXT);
  return made;
}

test('a subnet is kept for a node, which gets it and keeps it a reservation', async (t) => {
  const w = world();
  const { registry } = w.node();
  await reserve(registry, { 4: cidr('10.5.77.9/24') }, HOLDER);
  t.deepEqual(
    reservationsIn(await registry.list()).map(({ key }) => key),
    ['10.5.77.0-24'],
  );
  const record = await acquireLease(w.node(), DAY_S, {
    config: parseNetworkConfig(TEXT),
    configRevision: (await registry.readConfig())?.modRevision ?? 0n,
    ...HOLDER,
    attributes: () => attributes('192.168.50.1'),
    signal: new AbortController().signal,
  });
  t.is(record.key, '10.5.77.0-24');
  t.is(record.etcdLease, 0n);
  await dropReservation(registry, record);
  t.deepEqual(w.keys(), []);
});

test('what is leased, or no subnet of the network, is not reserved', async (t) => {
  const w = world();
  w.write('10.5.7.0-24', THEIRS_ATTRIBUTES, DAY_S);
  const { registry } = w.node();
  const cases: [string, RegExp][] = [
    ['10.5.7.0/24', /10\.5\.7\.0-24 is held by 192\.168\.50\.2/],
    ['10.5.0.0/24', /no such subnet/],
    ['10.6.1.0/24', /no such subnet/],
    ['10.5.8.0/25', /no such subnet/],
  ];
  for (const [subnet, message] of cases) {
    const error = await t.throwsAsync(reserve(registry, { 4: cidr(subnet) }, HOLDER), {
      instanceOf: RegistryError,
    });
    t.regex(error.message, message);
  }
  t.deepEqual(w.keys(), ['10.5.7.0-24']);
});

test('without a config that can be used there is nothing to reserve from', async (t) => {
  const w = new World();
  const { registry } = w.node();
  await t.throwsAsync(reserve(registry, { 4: cidr('10.5.7.0/24') }, HOLDER), { message: /no config yet/ });
  w.store.put('/coreos.com/network/config', 'notjson');
  await t.throwsAsync(reserve(registry, { 4: cidr('10.5.7.0/24') }, HOLDER), { instanceOf: ConfigError });
});

test('an ordinary lease is not dropped by mistake', async (t) => {
  const w = world();
  w.write('10.5.7.0-24', THEIRS_ATTRIBUTES, DAY_S);
  const { registry } = w.node();
  const [record] = (await registry.list()).records;
  await t.throwsAsync(dropReservation(registry, record!), { instanceOf: RangeError });
  t.deepEqual(w.keys(), ['10.5.7.0-24']);
});
