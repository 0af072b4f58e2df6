// Reading iperf3's JSON.

import test from 'ava';
import { parseIperf } from '../../src/lab/throughput.js';

test('what was received is taken', (t) => {
  const received = '{"bits_per_second":1.5,"bytes":7}';
  const text = `{"end":{"sum_sent":{"bits_per_second":2,"bytes":9},"sum_received":${received}}}`;
  t.deepEqual(parseIperf(text), { bitsPerSecond: 1.5, bytes: 7 });
});

test('a failure shows its reason', (t) => {
  t.throws(() => parseIperf('{"error":"unable to connect"}'), { message: /unable to connect/ });
  t.throws(() => parseIperf('iperf3: segfault'), { message: /segfault/ });
});
