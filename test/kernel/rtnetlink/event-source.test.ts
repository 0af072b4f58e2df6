// What listeners are told of multicast messages, of lost ones, and of a socket that fails, against a scripted socket.

import test from 'ava';
import { Counters } from '../../../src/counters.js';
import type { KernelEvent, Mac } from '../../../src/kernel/kernel.js';
import { errnoOf } from '../../../src/kernel/operation-errors.js';
import { AF, RTM } from '../../../src/kernel/rtnetlink/constants.js';
import { EventSource } from '../../../src/kernel/rtnetlink/event-source.js';
import { writeOperation } from '../../../src/kernel/rtnetlink/operation-message.js';
import { MessageWriter } from '../../../src/kernel/rtnetlink/writer.js';
import { ip } from '../../../src/subnet/cidr.js';
import { of, peer, type Verb } from '../../contract/kernel-world.js';
import { FakeClock } from '../../fakes/fake-clock.js';
import { FakeNetlink, message } from '../../fakes/fake-netlink.js';
import { ANSWERS } from '../../fixtures/netlink/golden.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';

const OURS = 42;
const { route, neighbour } = peer(4, 4);

function listen(): {
  netlink: FakeNetlink;
  clock: FakeClock;
  counters: Counters;
  logger: RecordingLogger;
  source: EventSource;
  events: KernelEvent[];
  stop: () => void;
} {
  const [netlink, clock, counters, logger] = [
    new FakeNetlink(),
    new FakeClock(),
    new Counters(),
    new RecordingLogger(),
  ];
  const source = new EventSource({
    open: (handlers) => netlink.open(handlers),
    ownPort: OURS,
    clock,
    counters,
    logger,
  });
  const events: KernelEvent[] = [];
  const stop = source.listen((event) => events.push(event));
  return { netlink, clock, counters, logger, source, events, stop };
}

/** The payload of what we would send is what the kernel tells. */
function told(operation: Parameters<typeof writeOperation>[1], port: number): Uint8Array {
  const writer = new MessageWriter(1024);
  writeOperation(writer, operation);
  const bytes = Buffer.from(writer.written);
  return message(
    new Uint16Array(Uint8Array.from(bytes.subarray(4, 6)).buffer)[0] ?? 0,
    0,
    0,
    bytes.subarray(16),
    port,
  );
}

function answer(title: string): Buffer {
  return Buffer.from(ANSWERS.find((row) => row.title === title)?.hex ?? '', 'hex');
}

test('a change is told with its author', (t) => {
  const { netlink, events, counters } = listen();
  netlink.receive(told(of.route('create', route), OURS), told(of.route('delete', route), 7));
  t.deepEqual(events, [
    { type: 'route', gone: false, route, own: true },
    { type: 'route', gone: true, route: { ...route, scope: 255 }, own: false },
  ]);
  t.is(counters.get('kernelEvents'), 2);
});

test('a deleted neighbour’s second message gets the author of its first', (t) => {
  const { netlink, events } = listen();
  const unresolved = { link: 4, ip: neighbour.ip, permanent: false };
  const tell = (verb: Verb, address: string, port: number): Uint8Array =>
    told(of.neighbour(verb, { ...unresolved, ip: ip(address) }), port);
  netlink.receive(tell('create', '10.5.9.0', OURS), tell('delete', '10.5.9.0', 0));
  netlink.receive(tell('create', '10.5.8.0', 7), tell('delete', '10.5.8.0', 0));
  netlink.receive(tell('create', '10.5.7.0', OURS), tell('delete', '10.5.6.0', 0));
  t.deepEqual(
    events.map((event) => event.type === 'neighbour' && [event.neighbour.ip, event.gone, event.own]),
    [
      ['10.5.9.0', false, true],
      ['10.5.9.0', true, true],
      ['10.5.8.0', false, false],
      ['10.5.8.0', true, false],
      ['10.5.7.0', false, true],
      ['10.5.6.0', true, false],
    ],
  );
});

test('a port that leaves a bridge is not a link that is gone', (t) => {
  const { netlink, events, counters } = listen();
  const link = answer('a VXLAN device');
  const payload = Buffer.from(link.subarray(16));
  payload[0] = AF.BRIDGE;
  netlink.receive(message(RTM.DELLINK, 0, 0, payload), message(RTM.NEWLINK, 0, 0, payload));
  t.deepEqual(events, []);
  t.is(counters.get('kernelMessagesUnreadable'), 0);
  netlink.receive(message(RTM.DELLINK, 0, 0, link.subarray(16)));
  t.like(events[0], { type: 'link', gone: true, own: false });
});

test('other tables, clones and a bridge’s own forwarding entries are not told', (t) => {
  const { netlink, events } = listen();
  const fdb = { link: 4, mac: '7e:18:59:77:82:2a' as Mac, permanent: true };
  const entry = Buffer.from(told(of.fdb('create', fdb), 0));
  // ndm_flags without NTF_SELF.
  entry[16 + 10] = 0;
  const clone = Buffer.from(told(of.route('create', route), 0));
  // RTM_F_CLONED.
  clone[16 + 9] = 2;
  netlink.receive(told(of.route('create', { ...route, table: 255 }), 0), entry, clone);
  t.deepEqual(events, []);
});

test('a message that cannot be read is counted, and logged once', (t) => {
  const { netlink, events, counters, logger } = listen();
  const broken = message(RTM.NEWROUTE, 0, 0, new Uint8Array(3));
  netlink.receive(broken, told(of.route('create', route), OURS), broken);
  netlink.receive(Uint8Array.of(255, 255, 255, 255));
  t.is(events.length, 1);
  t.is(counters.get('kernelMessagesUnreadable'), 3);
  t.deepEqual(
    logger.lines.map(({ level }) => level),
    ['warn'],
  );
});

test('lost events are the event resync', (t) => {
  const { netlink, events } = listen();
  netlink.fail(errnoOf('ENOBUFS'));
  t.deepEqual(events, [{ type: 'resync', reason: 'kernel events were lost (ENOBUFS)' }]);
  netlink.receive(told(of.route('create', route), OURS));
  t.is(events.length, 2, 'and listening goes on');
});

test('a socket that fails for good is opened again, with resync before and after', async (t) => {
  const { netlink, events, clock, stop } = listen();
  netlink.fail(errnoOf('EBADF'));
  t.true(netlink.closed);
  t.is(events.length, 1);
  await clock.advance(1_000);
  t.false(netlink.closed);
  t.deepEqual(events.at(-1), { type: 'resync', reason: 'listening to the kernel was interrupted' });
  netlink.receive(told(of.route('create', route), OURS));
  t.is(events.length, 3);
  stop();
  t.true(netlink.closed);
  t.is(clock.pending, 0);
});

test('opening again is tried until it succeeds, or nobody listens', async (t) => {
  const [netlink, clock, logger] = [new FakeNetlink(), new FakeClock(), new RecordingLogger()];
  let refuse = false;
  const open: typeof netlink.open = (handlers) => {
    if (refuse) throw new Error('too many open files');
    return netlink.open(handlers);
  };
  const source = new EventSource({ open, ownPort: OURS, clock, counters: new Counters(), logger });
  const stop = source.listen(() => undefined);
  refuse = true;
  netlink.fail(errnoOf('EBADF'));
  await clock.advance(3_000);
  t.is(logger.lines.filter(({ message: text }) => text.includes('failed; trying again')).length, 3);
  stop();
  t.is(clock.pending, 0);
});

test('the socket is open while somebody listens', (t) => {
  const { netlink, source, stop } = listen();
  const second = source.listen(() => undefined);
  stop();
  stop();
  t.false(netlink.closed);
  second();
  t.true(netlink.closed);
});
