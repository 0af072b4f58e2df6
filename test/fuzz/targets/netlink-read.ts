// Readers of netlink messages: any bytes are an object, something else, or illegible, and never an error. What an object
// holds is canonical, since it is compared with what is wanted.

import fc from 'fast-check';
import { routeLookup } from '../../../src/backends/onlink.js';
import { parseCidr, parseIp, type Cidr, type Ip } from '../../../src/subnet/cidr.js';
import { Counters } from '../../../src/counters.js';
import type { KernelEvent, Mac, Route } from '../../../src/kernel/kernel.js';
import { errnoName } from '../../../src/kernel/operation-errors.js';
import { watchRules } from '../../../src/kernel/nftables/watch.js';
import { readRefusal } from '../../../src/kernel/rtnetlink/ack.js';
import { readAddress } from '../../../src/kernel/rtnetlink/address-message.js';
import { readEvent } from '../../../src/kernel/rtnetlink/event-message.js';
import { EventSource } from '../../../src/kernel/rtnetlink/event-source.js';
import { readLink } from '../../../src/kernel/rtnetlink/link-message.js';
import { readNeighbour } from '../../../src/kernel/rtnetlink/neighbour-message.js';
import { MessageCursor } from '../../../src/kernel/rtnetlink/reader.js';
import { readAnyRoute, readRoute } from '../../../src/kernel/rtnetlink/route-message.js';
import { neighbourText, routeText } from '../../../src/kernel/text.js';
import type { NetlinkHandlers } from '../../../src/native.js';
import { FakeClock } from '../../fakes/fake-clock.js';
import { FakeNetlink, message } from '../../fakes/fake-netlink.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';
import { ANSWER_BYTES, attribute, datagrams, notifications } from '../generators/netlink.js';
import { drawnOut, growsInProportion, patternsOf } from '../growth.js';
import { holds, target, type Target } from '../target.js';

/** The types of events, so that every reader sees every message. */
const TYPES = [16, 17, 20, 21, 24, 25, 28, 29] as const;

function canonical(value: { prefix?: Cidr; ip?: Ip | undefined; mac?: Mac | undefined }): void {
  const { prefix, ip, mac } = value;
  holds(prefix === undefined || parseCidr(prefix) === prefix, `prefix ${prefix ?? ''}`);
  holds(ip === undefined || parseIp(ip) === ip, `address ${ip ?? ''}`);
  holds(mac === undefined || /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac), `MAC ${mac ?? ''}`);
}

function checkRoute(route: Route): void {
  canonical({ prefix: route.dst, ip: route.gateway });
  canonical({ ip: route.source });
  for (const hop of route.hops ?? []) canonical({ ip: hop.gateway });
  routeText(route, String);
}

function checkEvent(event: KernelEvent | 'other' | undefined): void {
  if (typeof event !== 'object') return;
  if (event.type === 'route') checkRoute(event.route);
  else if (event.type === 'address') canonical({ prefix: event.address.address });
  else if (event.type === 'link') canonical({ mac: event.link.mac });
  else if (event.type === 'fdb') canonical({ ip: event.entry.dst, mac: event.entry.mac });
  else if (event.type === 'neighbour') {
    canonical({ ip: event.neighbour.ip, mac: event.neighbour.mac });
    neighbourText(event.neighbour, String);
  }
}

/** Reads every message by every reader; returns how many there were. */
function readAll(bytes: Uint8Array): number {
  const cursor = new MessageCursor(bytes);
  const routes: Route[] = [];
  let count = 0;
  while (cursor.next()) {
    count++;
    const { chunk, start, end } = cursor;
    holds(end <= bytes.length && start <= end, 'a message beyond the datagram');
    for (const read of [readLink, readAddress, readNeighbour]) read(chunk, start, end);
    for (const read of [readRoute, readAnyRoute]) {
      const route = read(chunk, start, end);
      if (typeof route !== 'object') continue;
      checkRoute(route);
      routes.push(route);
    }
    const refusal = readRefusal(cursor);
    if (refusal !== undefined) {
      holds(refusal.errno > 0 && errnoName(refusal.errno).startsWith('E'), `errno ${refusal.errno}`);
    }
    for (const type of TYPES) {
      cursor.type = type;
      checkEvent(readEvent(cursor, 1));
    }
  }
  routeLookup(routes, [])('10.5.1.1' as Ip);
  return count;
}

const reading = target({
  name: 'netlink messages',
  promise: 'are read or passed over, within their bounds, by every reader',
  runs: 1500,
  input: datagrams,
  open: () => ({
    check: (bytes) => {
      const before = Buffer.from(bytes);
      holds(readAll(bytes) <= bytes.length / 16, 'more messages than fit');
      holds(before.equals(bytes), 'a reader wrote into what it read');
    },
  }),
});

const PIECES: readonly Uint8Array[] = [
  ...ANSWER_BYTES.filter(({ length }) => length <= 100),
  ...[1, 2, 9, 18].map((type) => attribute(type, new Uint8Array(4))),
  attribute(9, Buffer.from('0800000001000000', 'hex')),
  new Uint8Array(16),
  new Uint8Array(1),
];

const readingGrowth = target({
  name: 'netlink messages growth',
  promise: 'take time in proportion to their length',
  runs: 5,
  input: fc.tuple(patternsOf(PIECES), fc.boolean()),
  open: () => ({
    check: ([pattern, wrapped]) => {
      const make = (units: number): Uint8Array => {
        const row = Buffer.concat(drawnOut(pattern, units));
        return wrapped ? message(24, 0, 0, row) : row;
      };
      return growsInProportion(make, readAll);
    },
  }),
});

/** What happens to a socket that listens. */
const happenings = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ datagram: datagrams }) },
    fc.record({ errno: fc.constantFrom(105, 90, 12, 5, 9, 0, 999) }),
    fc.record({ wait: fc.constantFrom(0, 999, 1_000, 5_000) }),
  ),
  { maxLength: 12 },
);

const events = target({
  name: 'kernel events',
  promise: 'are told whole or counted as unreadable, and the socket goes on',
  runs: 400,
  input: happenings,
  open: () => ({
    check: async (list) => {
      const [netlink, clock, counters] = [new FakeNetlink(), new FakeClock(), new Counters()];
      const logger = new RecordingLogger();
      const source = new EventSource({ open: netlink.open, ownPort: 42, clock, counters, logger });
      let heard = 0;
      const stop = source.listen((event) => {
        heard++;
        checkEvent(event);
      });
      for (const each of list) {
        if ('datagram' in each) netlink.receive(each.datagram);
        else if ('errno' in each) netlink.fail(each.errno);
        else await clock.advance(each.wait);
      }
      await clock.advance(1_000);
      const before = heard;
      netlink.receive(ANSWER_BYTES[0] ?? new Uint8Array(0));
      holds(!netlink.closed && heard === before + 1, 'the next event was not heard');
      stop();
      holds(clock.pending === 0 && netlink.closed, 'something was left');
      holds(logger.lines.length <= 3 + 3 * list.length, 'too many lines');
    },
  }),
});

const rules = target({
  name: 'nftables notifications',
  promise: 'are told, or counted as unreadable, and the next one is heard',
  runs: 600,
  input: fc.array(notifications, { maxLength: 6 }),
  open: () => ({
    check: (chunks) => {
      let handlers: NetlinkHandlers | undefined;
      let heard = 0;
      const stop = watchRules({
        watches: ({ table }) => table === 'flannel-blue',
        listener: () => heard++,
        clock: new FakeClock(),
        counters: new Counters(),
        logger: new RecordingLogger(),
        open: (given) => {
          handlers = given;
          return { portId: 1, send: () => undefined, close: () => undefined };
        },
      });
      for (const chunk of chunks) handlers?.data(chunk);
      const before = heard;
      const next = Buffer.concat([Buffer.from([2, 0, 0, 0]), attribute(1, 'flannel-blue')]);
      handlers?.data(message((10 << 8) | 6, 0, 0, next));
      holds(heard === before + 1, 'the next notification was not heard');
      stop();
    },
  }),
});

export const NETLINK_READ_TARGETS: readonly Target[] = [reading, readingGrowth, events, rules];
