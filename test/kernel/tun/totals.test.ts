// The totals of several lives of one engine.

import test from 'ava';
import { addStats, NO_STATS } from '../../../src/kernel/tun/totals.js';
import { ip } from '../../../src/subnet/cidr.js';

const traffic = (
  n: number,
): Record<'sentPackets' | 'sentBytes' | 'receivedPackets' | 'receivedBytes', number> => ({
  sentPackets: n,
  sentBytes: 10 * n,
  receivedPackets: 100 * n,
  receivedBytes: 1000 * n,
});

test('counters add up, peers too, and one that is gone keeps what it had', (t) => {
  const [a, b, c] = [ip('192.0.2.1'), ip('192.0.2.2'), ip('192.0.2.3')];
  const first = {
    counters: { sentPackets: 1, dropStranger: 2 },
    peers: new Map([
      [a, traffic(1)],
      [b, traffic(2)],
    ]),
  };
  const second = {
    counters: { sentPackets: 10, dropNoRoute: 5 },
    peers: new Map([
      [b, traffic(3)],
      [c, traffic(4)],
    ]),
  };
  const sum = addStats(addStats(NO_STATS, first), second);
  t.deepEqual(sum.counters, { sentPackets: 11, dropStranger: 2, dropNoRoute: 5 });
  t.deepEqual(
    [...sum.peers],
    [
      [a, traffic(1)],
      [b, traffic(5)],
      [c, traffic(4)],
    ],
  );
});
