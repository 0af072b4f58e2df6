// How many threads the engine gets on how many cores.

import test from 'ava';
import { sizeOf } from '../../../src/kernel/tun/sizing.js';

const nothing = { queues: undefined, spinMicroseconds: undefined };

const CASES: readonly (readonly [number, string])[] = [
  [1, '1 queue, one thread for both directions, no spinning'],
  [2, '1 queue, a thread for each direction, 50 µs'],
  [3, '1 queue, a thread for each direction, 50 µs'],
  [4, '2 queues, a thread for each direction, 50 µs'],
  [8, '4 queues, a thread for each direction, 50 µs'],
  [64, '4 queues, a thread for each direction, 50 µs'],
];

for (const [cores, expected] of CASES) {
  test(`${cores} cores: ${expected}`, (t) => {
    const { queues, split, spinNs } = sizeOf(cores, nothing);
    const threads = split ? 'a thread for each direction' : 'one thread for both directions';
    const spin = spinNs === 0 ? 'no spinning' : `${spinNs / 1000} µs`;
    t.is(`${queues} ${queues === 1 ? 'queue' : 'queues'}, ${threads}, ${spin}`, expected);
  });
}

test('what the config names is taken, on any number of cores', (t) => {
  t.deepEqual(sizeOf(2, { queues: 3, spinMicroseconds: 20 }), { queues: 3, split: true, spinNs: 20_000 });
  t.is(sizeOf(8, { queues: undefined, spinMicroseconds: 0 }).spinNs, 0);
});
