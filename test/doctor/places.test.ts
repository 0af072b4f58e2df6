// What networks there are, by what is known.

import test from 'ava';
import { placesOf } from '../../src/doctor/places.js';
import { daemon, daemons, HEALTHY, PLACE, waiting } from './scene.js';

const { store, files } = HEALTHY;

test('what the daemon tells, with the range from etcd', (t) => {
  t.deepEqual(placesOf({ daemons: daemons(daemon()), store, files }), [PLACE]);
});

test('without etcd the env file has the range', (t) => {
  t.deepEqual(placesOf({ daemons: daemons(daemon()), files }), [PLACE]);
});

test('a network that waits is one, by what etcd has of it', (t) => {
  const [place] = placesOf({ daemons: daemons(daemon([waiting('waiting-for-lease', '')])), store });
  t.like(place, { name: 'blue', source: 'daemon', range: '10.5.0.0/16', device: 'flannel.1', port: 8472 });
  t.is(place?.subnet, undefined);
});

test('without a daemon etcd tells, and then the env files', (t) => {
  t.like(placesOf({ daemons: daemons(), store, files })[0], {
    name: 'blue',
    source: 'store',
    device: 'flannel.1',
    subnet: '10.5.9.0/24',
  });
  t.like(placesOf({ daemons: daemons(), files })[0], {
    name: 'blue',
    source: 'file',
    range: '10.5.0.0/16',
    mtu: 1450,
  });
});

test('where nothing is known, what flannel has unless it is told otherwise', (t) => {
  t.deepEqual(
    placesOf({}).map(({ source, device, port }) => [source, device, port]),
    [
      ['guess', 'flannel.1', 8472],
      ['guess', 'flannel0', 8285],
    ],
  );
});

test('a config that cannot be used is no network', (t) => {
  const broken = {
    ...store,
    networks: store.networks.map((stored) => ({ ...stored, config: { usable: false as const, reason: '' } })),
  };
  t.is(placesOf({ store: broken })[0]?.source, 'guess');
});
