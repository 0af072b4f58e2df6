// Reading iperf3's JSON.

import test from 'ava';
import { parseIperf } from '../../src/lab/throughput.js';

test('the received rate is taken', (t) => {
  t.is(parseIperf('{"end":{"sum_sent":{"bits_per_second":2},"sum_received":{"bits_per_second":1.5}}}'), 1.5);
});

test('a failure shows its reason', (t) => {
  t.throws(() => parseIperf('{"error":"unable to connect"}'), { message: /unable to connect/ });
  t.throws(() => parseIperf('iperf3: segfault'), { message: /segfault/ });
});
