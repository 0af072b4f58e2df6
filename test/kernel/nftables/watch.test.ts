// Notifications without a kernel: what breaks the format is counted and skipped, lost ones are told, a socket that
// fails is opened again.

import test from 'ava';
import fc from 'fast-check';
import { Counters } from '../../../src/counters.js';
import { watchRules, type RuleEvent } from '../../../src/kernel/nftables/watch.js';
import type { NetlinkHandlers } from '../../../src/native.js';
import { FakeClock } from '../../fakes/fake-clock.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';

/** A message of nf_tables for the family, with attributes as given. */
function message(kind: number, family: number, ...attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from([family, 0, 0, 0]), ...attributes]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE((10 << 8) | kind, 4);
  return Buffer.concat([header, body]);
}

function attribute(type: number, content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(`${content}\0`) : content;
  const whole = Buffer.alloc((4 + bytes.length + 3) & ~3);
  whole.writeUInt16LE(4 + bytes.length, 0);
  whole.writeUInt16LE(type, 2);
  bytes.copy(whole, 4);
  return whole;
}

const hook = (number: number): Buffer => attribute(0x8000 | 4, attribute(1, Buffer.from([0, 0, 0, number])));

interface Scene {
  readonly events: RuleEvent[];
  readonly counters: Counters;
  readonly clock: FakeClock;
  readonly handlers: NetlinkHandlers[];
  readonly receive: (...chunks: readonly Uint8Array[]) => void;
  readonly stop: () => void;
}

function scene(open: (attempt: number) => void = () => undefined): Scene {
  const events: RuleEvent[] = [];
  const counters = new Counters();
  const clock = new FakeClock();
  const handlers: NetlinkHandlers[] = [];
  const stop = watchRules({
    watches: ({ family, table }) => family === 'ip' && table === 'flannel-blue',
    listener: (event) => events.push(event),
    clock,
    counters,
    logger: new RecordingLogger(),
    open: (given) => {
      handlers.push(given);
      open(handlers.length);
      return { portId: 1, send: () => undefined, close: () => undefined };
    },
  });
  const receive = (...chunks: readonly Uint8Array[]): void => {
    for (const chunk of chunks) handlers.at(-1)?.data(chunk);
  };
  return { events, counters, clock, handlers, receive, stop };
}

test('a transaction on a watched table is told once for each place, others not at all', (t) => {
  const { events, receive } = scene();
  const rule = message(6, 2, attribute(1, 'flannel-blue'), attribute(2, 'input'));
  receive(
    Buffer.concat([
      rule,
      rule,
      message(6, 2, attribute(1, 'other'), attribute(2, 'input')),
      message(6, 10, attribute(1, 'flannel-blue'), attribute(2, 'input')),
      message(12, 2, attribute(1, 'flannel-blue')),
      message(15, 0, attribute(1, Buffer.from([0, 0, 0, 9]))),
    ]),
  );
  t.deepEqual(events, [
    { type: 'table', family: 'ip', table: 'flannel-blue', chain: 'input' },
    { type: 'table', family: 'ip', table: 'flannel-blue' },
  ]);
});

test('a new base chain at the forward hook is told, at another hook not', (t) => {
  const { events, receive } = scene();
  receive(
    message(3, 1, attribute(1, 'fw'), attribute(3, 'out'), hook(3)),
    message(3, 1, attribute(1, 'fw'), attribute(3, 'plain')),
    message(3, 1, attribute(1, 'fw'), attribute(3, 'pass'), hook(2)),
  );
  t.deepEqual(events, [{ type: 'forward-hook', family: 'inet', table: 'fw', chain: 'pass' }]);
});

test('bytes of any kind neither throw nor read beyond their message', (t) => {
  const { receive } = scene();
  const valid = message(3, 1, attribute(1, 'fw'), attribute(3, 'pass'), hook(2));
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.nat({ max: valid.length }),
      fc.nat({ max: valid.length - 1 }),
      fc.nat({ max: 255 }),
      (noise, cut, at, value) => {
        const changed = Buffer.from(valid);
        changed[at] = value;
        receive(noise, Buffer.from(valid.subarray(0, cut)), changed);
      },
    ),
    { numRuns: 500 },
  );
  t.pass();
});

test('a message without a table is counted and skipped, and the next one is read', (t) => {
  const { events, counters, receive } = scene();
  receive(Buffer.concat([message(6, 2), message(12, 2, attribute(1, 'flannel-blue'))]));
  t.is(counters.get('kernelMessagesUnreadable'), 1);
  t.is(events.length, 1);
});

test('lost notifications are told, and the socket stays', (t) => {
  const { events, handlers } = scene();
  handlers[0]?.error(105, false);
  t.deepEqual(events, [{ type: 'lost', reason: 'notifications were lost (ENOBUFS)' }]);
  t.is(handlers.length, 1);
});

test('a socket that fails is opened again until it works, and nothing is left after the stop', async (t) => {
  const { events, handlers, clock, stop } = scene((attempt) => {
    if (attempt === 2) throw new Error('no memory for a socket');
  });
  handlers[0]?.error(5, false);
  await clock.advance(1_000);
  t.is(handlers.length, 2);
  await clock.advance(1_000);
  t.is(handlers.length, 3);
  t.is(events.length, 2);
  handlers[2]?.error(5, false);
  stop();
  t.is(clock.pending, 0);
});
