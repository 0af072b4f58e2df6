// Peers that are left out: each is told once, and thousands at once are not thousands of lines.

import test from 'ava';
import type { OpenedBackend } from '../../src/backends/backend.js';
import { Counters } from '../../src/counters.js';
import { Peers } from '../../src/flanneld/peers.js';
import { NOTHING_WANTED } from '../../src/kernel/wanted.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { lease } from '../helpers/leases.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const OWN = lease({ subnet: '10.5.250.0/24', publicIp: '192.168.51.1' });
const PEERS = Array.from({ length: 200 }, (_, n) =>
  lease({ subnet: `10.5.${n}.0/24`, publicIp: `192.168.50.${n + 1}`, type: 'host-gw' }),
);
const ALL: ReadonlyMap<string, LeaseRecord> = new Map([OWN, ...PEERS].map((each) => [each.key, each]));

function backend(reasonOf: (peer: LeaseRecord) => string | undefined): OpenedBackend {
  const skipped = (peers: Iterable<LeaseRecord>): { peer: LeaseRecord; reason: string }[] =>
    [...peers].flatMap((peer) => {
      const reason = reasonOf(peer);
      return reason === undefined ? [] : [{ peer, reason }];
    });
  return {
    mtu: 1500,
    description: '',
    usesRoutes: true,
    attributes: () => OWN.attributes,
    wanted: (_own, peers) => ({ kernel: NOTHING_WANTED, skipped: skipped(peers) }),
  };
}

test('a peer left out is told once, and once when it is taken in after all', (t) => {
  const [logger, counters] = [new RecordingLogger(), new Counters()];
  const peers = new Peers(logger, counters);
  const one = backend((peer) => (peer === PEERS[3] ? 'it is far away' : undefined));
  for (const each of [one, one, backend(() => undefined)]) {
    peers.wanted(each, OWN, ALL, () => undefined);
  }
  t.deepEqual(
    logger.lines.map(({ message, fields }) => `${message}: ${fields.peer ?? ''}`),
    ['peer left out: 10.5.3.0-24', 'peer taken in after all: 10.5.3.0-24'],
  );
});

test('when a link goes and every peer with it, a few are named and the rest is counted', (t) => {
  const [logger, counters] = [new RecordingLogger(), new Counters()];
  const peers = new Peers(logger, counters);
  peers.wanted(
    backend(({ key }) => `no route leads to ${key}`),
    OWN,
    ALL,
    () => undefined,
  );
  t.is(counters.get('peerSkipped'), 200);
  const told = logger.lines.length;
  t.true(told < 20);
  t.is(logger.lines.at(-1)!.fields.count, 200 - (told - 1));
  peers.wanted(
    backend(() => undefined),
    OWN,
    ALL,
    () => undefined,
  );
  t.is(logger.lines.length, 2 * told);
  t.is(logger.lines.at(-1)!.fields.count, 200 - (told - 1));
});
