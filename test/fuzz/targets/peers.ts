// Never a dropped peer: good leases and any number of poisonous ones, written, overwritten, deleted, listed and watched in
// any order. What is wanted of the good ones is at every moment what it is without poison.

import fc from 'fast-check';
import { leaseBytes, leaseKeys } from '../generators/leases.js';
import { PeerScene, type Step } from '../peer-scene.js';
import { target, type Target } from '../target.js';

const NO_LEASE = Buffer.from('bar');
const poison = fc.record({ put: leaseKeys, value: leaseBytes });
/** A usable lease of a backend that wants a good one's subnet, or its MAC. */
const rival = fc
  .record({
    number: fc.nat({ max: 6 }),
    subnet: fc.constantFrom('x10.5.#.0-24', '10.5.#.0-23', '10.5.#.128-25', '10.5.7.0-24'),
    type: fc.constantFrom('vxlan', 'host-gw', ''),
  })
  .map(({ number, subnet, type }) => ({
    put: subnet.replace('#', String(100 + number)),
    value: Buffer.from(
      JSON.stringify({
        PublicIP: '192.168.50.99',
        BackendType: type,
        BackendData: { VtepMAC: `7e:18:59:77:82:0${number}` },
      }),
    ),
  }));
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    poison,
    poison,
    rival,
    fc.record({ delete: fc.nat({ max: 20 }) }),
    fc.record({ garble: fc.nat({ max: 6 }), value: leaseBytes }),
    fc.record({ mend: fc.nat({ max: 6 }) }),
    fc.constant({ compact: true as const }),
    fc.constant({ cut: true as const }),
    fc.record({ wait: fc.constantFrom(0, 1, 200, 60_000) }),
  ),
  { maxLength: 14 },
);

const peerSet = target({
  name: 'peer set',
  promise: 'keeps every good peer, exactly as it would be wanted without the poison',
  runs: 120,
  input: fc.record({
    type: fc.constantFrom('vxlan', 'host-gw', 'udp'),
    good: fc.integer({ min: 1, max: 5 }),
    before: fc.array(fc.oneof(poison, rival), { maxLength: 6 }),
    // More than the table remembers as told.
    crowd: fc.oneof({ weight: 15, arbitrary: fc.constant(0) }, fc.constant(1_200)),
    steps,
  }),
  open: () => ({
    check: async ({ type, good, before, crowd, steps: list }) => {
      const scene = new PeerScene(type, good);
      for (let number = 0; number < crowd; number++) scene.poison(`poison-${number}`, NO_LEASE, true);
      // Before the good ones, poison may be anything: a lease that is written later wins a place.
      for (const each of before) scene.poison(each.put, each.value, true);
      for (const record of scene.all) scene.write(record);
      await scene.start();
      scene.look();
      for (const step of list) {
        await scene.take(step);
        scene.look();
      }
      await scene.end();
    },
  }),
});

export const PEER_TARGETS: readonly Target[] = [peerSet];
