// What etcd sends, as bytes and as messages: decoded or refused, and a watch's place never goes back.

import fc from 'fast-check';
import { METHODS } from '../../../src/etcd/methods.js';
import { WatchCursor } from '../../../src/etcd/watch-cursor.js';
import { answerBytes, watchResponses } from '../generators/etcd.js';
import { drawnOut, growsInProportion, ignoringErrors, patternsOf } from '../growth.js';
import { holds, target, type Target } from '../target.js';

const DECODERS: readonly ((bytes: Buffer) => unknown)[] = Object.values(METHODS).map(({ decode }) => decode);

/** The generated stubs end a recursion with an error of their own; everything else is wire.ts's RangeError. */
function decodeAll(bytes: Buffer): void {
  for (const decode of DECODERS) {
    try {
      decode(bytes);
    } catch (error) {
      const known =
        error instanceof RangeError ? /^protobuf: / : /^protobuf decode recursion limit exceeded$/;
      if (!(error instanceof Error) || !known.test(error.message)) throw error;
    }
  }
}

const decoding = target({
  name: 'etcd answers',
  promise: 'are messages or a RangeError',
  runs: 500,
  input: answerBytes,
  open: () => ({
    check: (bytes) => {
      decodeAll(Buffer.from(bytes));
    },
  }),
});

const PIECES: readonly Uint8Array[] = [
  // Tags and lengths: empty submessages, nested ones, numbers that go on.
  ...['', '0a', '12', '1200', '5a00', '5a021200', '0a0012001a00', 'ff', '80', '00', '0801', '1a047265616c'],
  ...[
    '12ff',
    '12ffffffff0f',
    '2201',
    '0d00000000',
    '0900',
    '0b',
    '0c',
    'ffffffffffffffffff01',
    '5a0412020a00',
  ],
].map((hex) => Buffer.from(hex, 'hex'));

const decodingGrowth = target({
  name: 'etcd answers growth',
  promise: 'take time in proportion to their length',
  runs: 40,
  input: patternsOf(PIECES),
  open: () => ({
    check: (pattern) =>
      growsInProportion(
        (units) => Buffer.concat(drawnOut(pattern, units)),
        async (bytes) => {
          for (const decode of DECODERS) await ignoringErrors(() => decode(bytes));
        },
      ),
  }),
});

const cursor = target({
  name: 'etcd watch cursor',
  promise: 'goes forward only, and hands out no event twice',
  runs: 400,
  input: fc.record({
    start: fc.constantFrom(0n, 1n, 7n),
    responses: fc.array(watchResponses, { maxLength: 12 }),
    restarts: fc.array(fc.nat({ max: 12 }), { maxLength: 3 }),
  }),
  open: () => ({
    check: ({ start, responses, restarts }) => {
      const watch = new WatchCursor(start);
      responses.forEach((response, index) => {
        if (restarts.includes(index)) watch.restart();
        const before = watch.resumeRevision;
        const step = watch.accept(response);
        if (step.type === 'events') {
          for (const { kv } of step.events) holds(kv.modRevision >= before, 'an event from before');
          holds(step.revision >= before, 'a batch from before');
        }
        // With "from now on" the first place is where the store is, whatever that says.
        if (before !== 0n) holds(watch.resumeRevision >= before, 'the place went back');
      });
    },
  }),
});

const hugeParts = target({
  name: 'etcd watch in parts',
  promise: 'takes answers of many events',
  runs: 6,
  input: fc.record({ events: fc.constantFrom(1, 1_000, 200_000, 400_000), fragment: fc.boolean() }),
  open: () => ({
    check: ({ events, fragment }) => {
      const watch = new WatchCursor(1n);
      const bytes = Buffer.from('5a00'.repeat(events), 'hex');
      const response = METHODS.watch.decode(bytes);
      watch.accept({ ...response, fragment });
      watch.accept(METHODS.watch.decode(bytes));
    },
  }),
});

export const ETCD_WIRE_TARGETS: readonly Target[] = [decoding, decodingGrowth, cursor, hugeParts];
