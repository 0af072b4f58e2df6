// Reading ping's output, and counting losses from sequence numbers.

import test from 'ava';
import { judgePings, parsePing } from '../../src/lab/ping.js';

test('a ping run is read with its replies, TTL and counts', (t) => {
  const report = parsePing(`PING 10.5.62.2 (10.5.62.2) 56(84) bytes of data.
64 bytes from 10.5.62.2: icmp_seq=1 ttl=62 time=0.538 ms
64 bytes from 10.5.62.2: icmp_seq=2 ttl=62 time=0.040 ms

--- 10.5.62.2 ping statistics ---
3 packets transmitted, 2 received, 33% packet loss, time 20ms
rtt min/avg/max/mdev = 0.040/0.289/0.538/0.249 ms
`);
  t.deepEqual([report.sent, report.received, report.ttl, report.rtts], [3, 2, 62, [0.538, 0.04]]);
});

test('a packet over the MTU is no reply', (t) => {
  const report = parsePing(`PING 10.5.62.2 (10.5.62.2) 1423(1451) bytes of data.

--- 10.5.62.2 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms

ping: local error: message too long, mtu=1450
`);
  t.deepEqual([report.sent, report.received, report.ttl, report.rtts], [1, 0, undefined, []]);
});

test('output without a summary is an error that shows it', (t) => {
  t.throws(() => parsePing('ping: unknown host'), { code: 'BAD_OUTPUT', message: /unknown host/ });
});

test('losses are counted from sequence numbers; one request may be on its way at the end', (t) => {
  const seen = new Map([
    [1, 10.0],
    [2, 10.008],
    [5, 10.508],
    [6, 10.516],
  ]);
  t.deepEqual(judgePings(6, seen), { sent: 6, received: 4, lost: 2, longestGapMs: 500 });
  t.is(judgePings(7, seen).lost, 2);
  t.is(judgePings(9, seen).lost, 4);
  t.deepEqual(judgePings(3, new Map()), { sent: 3, received: 0, lost: 2, longestGapMs: 0 });
});
