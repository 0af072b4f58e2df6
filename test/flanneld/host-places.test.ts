// What networks occupy on a host, and who has to give way: src/flanneld/host-places.ts.

import test from 'ava';
import { HostPlaces, isolatedNetworks, type Place } from '../../src/flanneld/host-places.js';
import { cidr } from '../../src/subnet/cidr.js';

function place(network: string, range: string, more: Partial<Place> = {}): Place {
  return { network, ranges: [cidr(range)], isolated: true, writtenAt: 1n, ...more };
}
const vxlan = (vni: number, port = 8472): Place['tunnel'] => ({ device: `flannel.${vni}`, port, vni });

test('networks that have nothing in common live side by side', (t) => {
  const places = new HostPlaces();
  places.take(place('a', '10.1.0.0/16', { tunnel: vxlan(1) }));
  places.take(place('b', '10.2.0.0/16', { tunnel: vxlan(2) }));
  places.take(place('c', '10.3.0.0/16', { tunnel: vxlan(1, 4789) }));
  places.take(place('d', '10.4.0.0/16'));
  t.is(places.all.length, 4);
});

const CONFLICTS: readonly (readonly [string, Place, RegExp])[] = [
  [
    'a range inside of another',
    place('b', '10.1.128.0/24'),
    /network b \(10\.1\.128\.0\/24\) overlaps network a/,
  ],
  ['a range around another', place('b', '10.0.0.0/8'), /overlaps network a \(10\.1\.0\.0\/16\)/],
  [
    'the VNI',
    place('b', '10.2.0.0/16', { tunnel: vxlan(1) }),
    /networks b and a both want VNI 1 on UDP port 8472/,
  ],
  [
    'a whole port',
    place('b', '10.2.0.0/16', { tunnel: { device: 'flannel0', port: 8472 } }),
    /networks b and a both want UDP port 8472/,
  ],
];
for (const [what, later, message] of CONFLICTS) {
  test(`${what} cannot be had twice, and the error names both`, (t) => {
    const places = new HostPlaces();
    places.take(place('a', '10.1.0.0/16', { tunnel: vxlan(1) }));
    t.throws(
      () => {
        places.take({ ...later, writtenAt: 2n });
      },
      { code: 'config-conflict', message },
    );
    t.is(places.all.length, 1);
    places.release('a');
    places.take(later);
  });
}

test('an elder one drives a younger one out, but not one that pods use already', (t) => {
  const places = new HostPlaces();
  const out: string[] = [];
  places.take(place('young', '10.1.0.0/16', { writtenAt: 5n }), (by) => out.push(by));
  places.take(place('old', '10.1.0.0/16', { writtenAt: 3n }));
  t.deepEqual(out, ['old']);
  t.deepEqual(
    places.all.map(({ network }) => network),
    ['old'],
  );
  places.settle('old');
  t.throws(
    () => {
      places.take(place('oldest', '10.1.0.0/16', { writtenAt: 1n }));
    },
    { code: 'config-conflict' },
  );
});

test('a network that asks for another place gives its former one up, and is not in its own way', (t) => {
  const places = new HostPlaces();
  places.take(place('a', '10.1.0.0/16', { tunnel: vxlan(1) }));
  places.settle('a');
  places.take(place('a', '10.1.0.0/16', { tunnel: vxlan(2) }));
  places.take(place('b', '10.2.0.0/16', { tunnel: vxlan(1) }));
  t.is(places.all.length, 2);
});

test('each change is told, with all there is', (t) => {
  const told: string[] = [];
  const places = new HostPlaces((all) => told.push(JSON.stringify(isolatedNetworks(all))));
  places.take(place('a', '10.1.0.0/16', { tunnel: { device: 'flannel0', port: 8285 } }));
  places.update('a', { tunnel: { device: 'flannel1', port: 8285 }, isolated: false });
  places.update('nobody', { isolated: false });
  places.release('a');
  places.release('a');
  t.deepEqual(told, [
    '[{"network":"a","range":"10.1.0.0/16","isolated":true,"device":"flannel0"}]',
    '[{"network":"a","range":"10.1.0.0/16","isolated":false,"device":"flannel1"}]',
    '[]',
  ]);
});
