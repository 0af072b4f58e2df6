// Requests over a netlink socket whose kernel answers anything: late, twice, never, with damage, to nobody. Every
// request settles within bounded time, by a result of its own length, a refusal or a KernelError, and no timer is left.

import fc from 'fast-check';
import { KernelError } from '../../../src/kernel/kernel.js';
import { readAddress } from '../../../src/kernel/rtnetlink/address-message.js';
import { Connection } from '../../../src/kernel/rtnetlink/connection.js';
import { NLM_F, NLMSG, RTM } from '../../../src/kernel/rtnetlink/constants.js';
import { readLink } from '../../../src/kernel/rtnetlink/link-message.js';
import { readNeighbour } from '../../../src/kernel/rtnetlink/neighbour-message.js';
import { MessageCursor } from '../../../src/kernel/rtnetlink/reader.js';
import { readAnyRoute } from '../../../src/kernel/rtnetlink/route-message.js';
import type { MessageWriter } from '../../../src/kernel/rtnetlink/writer.js';
import { FakeClock } from '../../fakes/fake-clock.js';
import { ack, done, FakeNetlink, message } from '../../fakes/fake-netlink.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';
import { mutatedBytes } from '../generators/bytes.js';
import { ANSWER_BYTES, datagrams } from '../generators/netlink.js';
import { holds, target, type Target } from '../target.js';

/** Answers by the sequence number they carry. */
const ANSWERS: readonly ((sequence: number) => Uint8Array)[] = [
  (sequence) => ack(sequence),
  (sequence) => ack(sequence, 17, 'it is there already'),
  (sequence) => ack(sequence, -0x8000_0000),
  (sequence) => done(sequence),
  (sequence) => done(sequence, 16),
  (sequence) => done(sequence, 0, NLM_F.DUMP_INTR),
  (sequence) => message(NLMSG.DONE, NLM_F.MULTI, sequence, new Uint8Array(0)),
  (sequence) => message(NLMSG.ERROR, NLM_F.ACK_TLVS, sequence, new Uint8Array(3)),
  (sequence) => message(NLMSG.ERROR, NLM_F.ACK_TLVS, sequence, Buffer.alloc(40, 0xff)),
  (sequence) => message(NLMSG.OVERRUN, NLM_F.MULTI, sequence, new Uint8Array(0)),
  (sequence) => message(NLMSG.NOOP, 0, sequence, new Uint8Array(0)),
  ...ANSWER_BYTES.map((bytes) => (sequence: number) => {
    const numbered = Buffer.from(bytes);
    numbered.set(new Uint8Array(Uint32Array.of(sequence).buffer), 8);
    return numbered;
  }),
];

type Step =
  | { readonly change: number }
  | { readonly query: 'dump' | 'single' }
  | { readonly answer: number; readonly to: number; readonly damage: (bytes: Uint8Array) => Uint8Array }
  | { readonly answerAll: number }
  | { readonly datagram: Uint8Array }
  | { readonly fail: number; readonly sending: boolean }
  | { readonly sendError: true }
  | { readonly wait: number };

const damages: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: fc.constant((bytes: Uint8Array) => bytes) },
  mutatedBytes(fc.constant(new Uint8Array(16)), 2).map((mask) => (bytes: Uint8Array) => {
    // The mask is a header with a few changes; they are applied to this header.
    const changed = Buffer.from(bytes);
    mask.subarray(0, 16).forEach((value, index) => {
      if (index < changed.length) changed[index] = (changed[index] ?? 0) ^ value;
    });
    return changed;
  }),
);

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ change: fc.constantFrom(1, 2, 129, 600) }),
    fc.record({ query: fc.constantFrom('dump' as const, 'single' as const) }),
    fc.record({
      answer: fc.nat({ max: ANSWERS.length - 1 }),
      to: fc.nat({ max: 2_000 }),
      damage: damages,
    }),
    fc.record({ answerAll: fc.nat({ max: ANSWERS.length - 1 }) }),
    fc.record({ datagram: datagrams }),
    fc.record({ fail: fc.constantFrom(105, 105, 90, 12, 5, 0, 999), sending: fc.boolean() }),
    fc.constant({ sendError: true as const }),
    fc.record({ wait: fc.constantFrom(0, 100, 9_999, 10_000) }),
  ),
  { minLength: 1, maxLength: 16 },
);

const connection = target({
  name: 'netlink connection',
  promise: 'settles every request in bounded time, whatever the kernel answers',
  runs: 250,
  input: steps,
  open: () => ({ check: converse }),
});

async function converse(list: readonly Step[]): Promise<void> {
  const [netlink, clock] = [new FakeNetlink(), new FakeClock()];
  const talk = new Connection({ open: netlink.open, clock, logger: new RecordingLogger() });
  let open = 0;
  const failures: unknown[] = [];
  const acknowledged = new Set<number>();
  const follow = (request: Promise<void>): void => {
    open++;
    request
      .catch((error: unknown) => {
        if (!(error instanceof KernelError)) failures.push(error);
      })
      .finally(() => open--)
      .catch(() => undefined);
  };
  for (const step of list) {
    take(step, { netlink, talk, follow, acknowledged });
    await clock.advance('wait' in step ? step.wait : 0);
  }
  // Questions follow one another, and each is asked eight times at most, for ten seconds each.
  await clock.advance(list.length * 8 * 10_000 + 10_000);
  if (failures.length > 0) throw failures[0];
  holds(open === 0, `${open} requests never settled`);
  holds(clock.pending === 0, 'a timer was left');
  talk.close();
}

interface Scene {
  readonly netlink: FakeNetlink;
  readonly talk: Connection;
  readonly follow: (request: Promise<void>) => void;
  /** The sequence numbers that were acknowledged without an error. */
  readonly acknowledged: Set<number>;
}

/** Hands up what the kernel says, and notes what of it is a success. */
function tell({ netlink, acknowledged }: Scene, ...messages: readonly Uint8Array[]): void {
  for (const each of messages) {
    const cursor = new MessageCursor(Uint8Array.from(each));
    while (cursor.next()) {
      const isAnswer = cursor.type === NLMSG.ERROR && cursor.end - cursor.start >= 4;
      if (isAnswer && cursor.chunk.i32(cursor.start) >= 0) acknowledged.add(cursor.sequence);
    }
  }
  netlink.receive(...messages);
}

function take(step: Step, scene: Scene): void {
  const { netlink, talk, follow } = scene;
  const sent = netlink.datagrams.flat().map(({ sequence }) => sequence);
  if ('change' in step) follow(change(scene, step.change));
  else if ('query' in step) follow(query(talk, step.query === 'dump'));
  else if ('answer' in step) {
    const sequence = sent.at(-1 - (step.to % (sent.length + 3))) ?? step.to;
    const answer = ANSWERS[step.answer]?.(sequence) ?? new Uint8Array(0);
    tell(scene, step.damage(answer));
  } else if ('answerAll' in step) {
    tell(scene, ...sent.slice(-600).map((sequence) => ANSWERS[step.answerAll]?.(sequence) ?? ack(sequence)));
  } else if ('datagram' in step) tell(scene, step.datagram);
  else if ('fail' in step) netlink.fail(step.fail, step.sending);
  else if ('sendError' in step) netlink.sendError = new Error('no memory for a datagram');
}

const write = (writer: MessageWriter): boolean => {
  writer.begin(RTM.NEWROUTE, NLM_F.REQUEST | NLM_F.ACK);
  return writer.end();
};

async function change({ talk, acknowledged }: Scene, count: number): Promise<void> {
  const sequences: number[] = [];
  const results = await talk.change(count, (writer, index) => {
    sequences[index] = writer.sequence;
    return write(writer);
  });
  holds(results.length === count, `${results.length} results for ${count} changes`);
  results.forEach((refusal, index) => {
    if (refusal !== undefined) holds(refusal.errno > 0, 'a refusal without errno');
    else holds(acknowledged.has(sequences[index] ?? 0), 'a success that nobody acknowledged');
  });
}

async function query(talk: Connection, dump: boolean): Promise<void> {
  const result = await talk.query(dump, write, readAny);
  holds('errno' in result ? result.errno > 0 : Array.isArray(result), 'neither items nor a refusal');
}

function readAny({ chunk, start, end }: MessageCursor): unknown {
  for (const read of [readLink, readAddress, readAnyRoute, readNeighbour]) {
    const item = read(chunk, start, end);
    if (typeof item === 'object') return item;
  }
  return undefined;
}

export const NETLINK_CONNECTION_TARGETS: readonly Target[] = [connection];
