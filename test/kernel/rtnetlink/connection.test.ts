// Batches, acknowledgements, dumps, lost answers and time-outs, against a kernel that is the test.

import test, { type ExecutionContext } from 'ava';
import { errnoOf } from '../../../src/kernel/operation-errors.js';
import { Connection } from '../../../src/kernel/rtnetlink/connection.js';
import { NLM_F, NLMSG, RTM } from '../../../src/kernel/rtnetlink/constants.js';
import type { MessageCursor } from '../../../src/kernel/rtnetlink/reader.js';
import type { MessageWriter } from '../../../src/kernel/rtnetlink/writer.js';
import { FakeClock } from '../../fakes/fake-clock.js';
import { ack, done, FakeNetlink, message } from '../../fakes/fake-netlink.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';

function connect(): {
  netlink: FakeNetlink;
  clock: FakeClock;
  logger: RecordingLogger;
  connection: Connection;
} {
  const [netlink, clock, logger] = [new FakeNetlink(), new FakeClock(), new RecordingLogger()];
  return { netlink, clock, logger, connection: new Connection({ open: netlink.open, clock, logger }) };
}

/** A change of `size` bytes beyond its header. */
const write =
  (size = 0) =>
  (writer: MessageWriter): boolean => {
    writer.begin(RTM.NEWROUTE, NLM_F.REQUEST | NLM_F.ACK);
    writer.bytes(new Uint8Array(size));
    return writer.end();
  };

const ask = (writer: MessageWriter): boolean => {
  writer.begin(RTM.GETROUTE, NLM_F.REQUEST | NLM_F.DUMP);
  return writer.end();
};

/** One byte is the item. */
const read = ({ chunk, start }: MessageCursor): number => chunk.u8(start);
const part = (sequence: number, item: number, flags = 0): Uint8Array =>
  message(RTM.NEWROUTE, NLM_F.MULTI | flags, sequence, Uint8Array.of(item));

function lastSequence(netlink: FakeNetlink): number {
  return netlink.datagrams.at(-1)?.at(-1)?.sequence ?? 0;
}

/** Lets everything that is resolved run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test('changes go out in datagrams of at most 128, thirty-two of them ahead of the answers', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.change(5000, write());
  await settle();
  t.deepEqual(
    netlink.datagrams.map(({ length }) => length),
    new Array(32).fill(128),
  );
  const [first = []] = netlink.datagrams;
  netlink.receive(...first.map(({ sequence }) => ack(sequence)));
  await settle();
  t.is(netlink.datagrams.length, 33, 'one more for the one that was answered');
  for (let index = 1; index < netlink.datagrams.length; index++) {
    netlink.receive(...(netlink.datagrams[index] ?? []).map(({ sequence }) => ack(sequence)));
    await settle();
  }
  t.is(netlink.datagrams.flat().length, 5000);
  t.is(new Set(netlink.datagrams.flat().map(({ sequence }) => sequence)).size, 5000);
  t.deepEqual(await result, new Array(5000).fill(undefined));
});

test('a datagram stays below 64 KiB', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.change(100, write(1000));
  await settle();
  netlink.receive(...netlink.datagrams.flat().map(({ sequence }) => ack(sequence)));
  t.deepEqual(await result, new Array(100).fill(undefined));
  t.is(netlink.datagrams.length, 2);
  t.true(netlink.sizes.every((size) => size <= 65_536));
});

test('a refusal stands in its place, with the kernel’s words', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.change(3, write());
  await settle();
  netlink.receive(ack(1), ack(2, 17, 'it is there already'), ack(3, 1));
  t.deepEqual(await result, [undefined, { errno: 17, extack: 'it is there already' }, { errno: 1 }]);
});

test('the words are found behind a whole request too, as kernels without short answers send it', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.change(1, write());
  await settle();
  const short = ack(1, 22, 'so not');
  const request = message(RTM.NEWROUTE, 0, 1, new Uint8Array(8));
  const long = message(
    NLMSG.ERROR,
    NLM_F.ACK_TLVS,
    1,
    Buffer.concat([short.subarray(16, 20), request, short.subarray(36)]),
  );
  netlink.receive(long);
  t.deepEqual(await result, [{ errno: 22, extack: 'so not' }]);
});

test('a change too long for any datagram is EMSGSIZE and does not disturb the others', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.change(3, (writer, index) => write(index === 1 ? 70_000 : 8)(writer));
  await settle();
  netlink.receive(ack(1));
  await settle();
  netlink.receive(ack(lastSequence(netlink)));
  t.deepEqual(await result, [undefined, { errno: errnoOf('EMSGSIZE') }, undefined]);
});

test('a second call of changes is sent after the whole of the first, without waiting for its answers', async (t) => {
  const { netlink, connection } = connect();
  const [first, second] = [connection.change(200, write()), connection.change(1, write())];
  await settle();
  t.deepEqual(
    netlink.datagrams.map(({ length }) => length),
    [128, 72, 1],
  );
  netlink.receive(
    ...netlink.datagrams.slice(0, 2).flatMap((batch) => batch.map(({ sequence }) => ack(sequence))),
  );
  netlink.receive(ack(lastSequence(netlink), 2));
  t.deepEqual([(await first).length, await second], [200, [{ errno: 2 }]]);
});

test('a dump is collected over several chunks up to its end; strangers’ answers are passed over', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.query(true, ask, read);
  await settle();
  netlink.receive(part(1, 10), part(99, 77), part(1, 11));
  netlink.receive(part(1, 12), done(1), part(1, 13));
  t.deepEqual(await result, [10, 11, 12]);
});

test('a dump that was interrupted is asked for again', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.query(true, ask, read);
  await settle();
  netlink.receive(part(1, 10), part(1, 11, NLM_F.DUMP_INTR), done(1));
  await settle();
  t.is(netlink.datagrams.length, 2);
  netlink.receive(part(2, 20), done(2));
  t.deepEqual(await result, [20]);
});

test('a dump that is interrupted each time ends as EBUSY', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.query(true, ask, read);
  for (let attempt = 1; attempt <= 8; attempt++) {
    await settle();
    netlink.receive(done(lastSequence(netlink), 0, NLM_F.DUMP_INTR));
  }
  t.deepEqual(await result, { errno: errnoOf('EBUSY'), extack: 'changed during each of 8 readings' });
  t.is(netlink.datagrams.length, 8);
});

test('an error at the end of a dump is its result', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.query(true, ask, read);
  await settle();
  netlink.receive(part(1, 10), done(1, 2));
  t.deepEqual(await result, { errno: 2 });
});

test('a single question ends with its acknowledgement', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.query(false, ask, read);
  await settle();
  netlink.receive(message(RTM.NEWROUTE, 0, 1, Uint8Array.of(9)), ack(1));
  t.deepEqual(await result, [9]);
});

test('after lost answers a fence tells which: those are ENOBUFS, the others stand', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.change(3, write());
  await settle();
  netlink.fail(errnoOf('ENOBUFS'));
  t.like(netlink.datagrams.at(-1)?.[0], { type: NLMSG.NOOP, flags: NLM_F.REQUEST | NLM_F.ACK });
  netlink.receive(ack(1), ack(3, 17), ack(lastSequence(netlink)));
  const [first, second, third] = await result;
  t.deepEqual([first, second?.errno, third?.errno], [undefined, errnoOf('ENOBUFS'), 17]);
});

test('lost answers make a dump repeat when it has ended, and a single question at once', async (t) => {
  const { netlink, connection } = connect();
  const dump = connection.query(true, ask, read);
  await settle();
  netlink.receive(part(1, 10));
  netlink.fail(errnoOf('ENOBUFS'));
  netlink.receive(ack(lastSequence(netlink)), part(1, 11), done(1));
  await settle();
  netlink.receive(part(lastSequence(netlink), 20), done(lastSequence(netlink)));
  t.deepEqual(await dump, [20]);

  const single = connection.query(false, ask, read);
  await settle();
  netlink.fail(errnoOf('ENOBUFS'));
  netlink.receive(ack(lastSequence(netlink)));
  await settle();
  const again = lastSequence(netlink);
  netlink.receive(part(again, 30), ack(again));
  t.deepEqual(await single, [30]);
});

test('a kernel that says nothing for ten seconds is out of reach', async (t) => {
  const { netlink, clock, connection } = connect();
  const [change, query] = [connection.change(2, write()), connection.query(true, ask, read)];
  const both = Promise.all([
    t.throwsAsync(change, { code: 'ETIMEDOUT' }),
    t.throwsAsync(query, { code: 'ETIMEDOUT' }),
  ]);
  await clock.advance(9_000);
  netlink.receive(part(lastSequence(netlink), 1));
  await clock.advance(9_999);
  t.is(clock.pending, 1, 'an answer buys the whole time again');
  await clock.advance(1);
  await both;
  t.is(clock.pending, 0);
});

test('when all is answered no timer is left', async (t) => {
  const { netlink, clock, connection } = connect();
  const result = connection.change(1, write());
  await settle();
  t.is(clock.pending, 1);
  netlink.receive(ack(1));
  await result;
  t.is(clock.pending, 0);
});

async function rejects(
  t: ExecutionContext,
  code: string,
  cause: (netlink: FakeNetlink, connection: Connection) => void,
): Promise<void> {
  const { netlink, connection, clock } = connect();
  const both = Promise.all([
    t.throwsAsync(connection.change(300, write()), { code }),
    t.throwsAsync(connection.query(true, ask, read), { code }),
  ]);
  await settle();
  cause(netlink, connection);
  await both;
  t.is(clock.pending, 0);
}

test('a datagram that was not sent fails what is under way', async (t) => {
  await rejects(t, 'ENOMEM', (netlink) => {
    netlink.fail(errnoOf('ENOMEM'), true);
  });
});

test('a socket that fails for good fails what is under way', async (t) => {
  await rejects(t, 'EBADF', (netlink) => {
    netlink.fail(errnoOf('EBADF'));
  });
});

test('closing ends what is under way, and what comes after', async (t) => {
  await rejects(t, 'ECANCELED', (netlink, connection) => {
    connection.close();
    connection.close();
    t.true(netlink.closed);
  });
  const { connection } = connect();
  connection.close();
  await t.throwsAsync(connection.change(1, write()), { code: 'ECANCELED' });
});

test('a socket that refuses to send rejects the request, not the next one', async (t) => {
  const { netlink, connection } = connect();
  netlink.sendError = new Error('no memory');
  const error = await t.throwsAsync(connection.change(1, write()));
  t.is((error.cause as Error).message, 'no memory');
  const result = connection.change(1, write());
  await settle();
  netlink.receive(ack(lastSequence(netlink)));
  t.deepEqual(await result, [undefined]);
});

test('an answer without content and bytes that are no message do no harm', async (t) => {
  const { netlink, connection } = connect();
  const result = connection.change(2, write());
  await settle();
  netlink.receive(Uint8Array.of(1, 0, 0, 0));
  netlink.receive(message(NLMSG.ERROR, 0, 1, new Uint8Array(0)), ack(2), ack(2, 17));
  t.deepEqual(await result, [{ errno: 74, extack: 'the answer could not be read' }, undefined]);
});
