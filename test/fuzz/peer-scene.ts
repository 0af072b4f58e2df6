// One node's whole way from a store that strangers write to, to what it wants of the kernel: fakes for the store and the
// clock, and the real watch, table, backend and peers between them.

import { BACKENDS } from '../../src/backends/index.js';
import type { OpenedBackend, RouteTo } from '../../src/backends/backend.js';
import { Counters } from '../../src/counters.js';
import { Peers } from '../../src/flanneld/peers.js';
import { MAIN_TABLE } from '../../src/kernel/kernel.js';
import type { WantedKernel } from '../../src/kernel/wanted.js';
import { cidr } from '../../src/subnet/cidr.js';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { watchLeases } from '../../src/subnet/lease-watch.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { isUnreadable, readStoredLease } from '../../src/subnet/stored-lease.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeRegistry } from '../fakes/fake-registry.js';
import { FakeStore } from '../fakes/fake-registry-store.js';
import { backendContext } from '../helpers/backend-context.js';
import { lease } from '../helpers/leases.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { holds } from './target.js';

const SUBNETS = '/coreos.com/network/subnets/';
const ROUTE_TO: RouteTo = () => ({
  route: {
    dst: cidr('192.168.50.0/24'),
    table: MAIN_TABLE,
    metric: 0,
    protocol: 2,
    type: 'unicast',
    scope: 253,
    link: 2,
    onlink: false,
  },
  link: 'eth0',
});

/** What happens to the store, to the link to it, or to time. */
export type Step =
  /** Somebody writes a key that is no good peer's. */
  | { readonly put: string; readonly value: Uint8Array }
  | { readonly delete: number }
  /** Somebody garbles the value of a good lease, or of our own. */
  | { readonly garble: number; readonly value: Uint8Array }
  /** Its owner writes it again. */
  | { readonly mend: number }
  /** The watch is overtaken by a compaction: everything is listed anew. */
  | { readonly compact: true }
  | { readonly cut: true }
  | { readonly wait: number };

/** One node, its view of the store, and what it wants. */
export class PeerScene {
  readonly all: readonly LeaseRecord[];
  readonly #own: LeaseRecord;
  readonly #clock = new FakeClock();
  readonly #store = new FakeStore(this.#clock);
  readonly #registry = new FakeRegistry(this.#store);
  readonly #logger = new RecordingLogger();
  readonly #counters = new Counters();
  readonly #backend: OpenedBackend;
  readonly #peers = new Peers(this.#logger, this.#counters);
  readonly #expected: WantedKernel;
  #records: ReadonlyMap<string, LeaseRecord> = new Map();
  #stop: () => void = () => undefined;

  constructor(type: string, good: number) {
    const announced = type === 'udp' ? '' : type;
    this.all = Array.from({ length: good + 1 }, (_, number) =>
      lease({
        subnet: `10.5.${number + 100}.0/24`,
        publicIp: `192.168.50.${number + 1}`,
        type: announced,
        ...(type === 'vxlan' && { mac: `7e:18:59:77:82:0${number}` }),
      }),
    );
    this.#own = this.all[0]!;
    this.#backend = BACKENDS.find((row) => row.type === type)!.open({}, backendContext());
    const others = this.all.slice(1);
    this.#expected = this.#backend.wanted(this.#own, others, ROUTE_TO).kernel;
  }

  write({ key, attributes }: LeaseRecord): void {
    this.#store.put(SUBNETS + key, encodeValue(attributes), this.#store.grant(86_400_000));
  }

  /**
   * Writes a key as a stranger. Not one that is a good lease's own; nor, unless it comes before them, a usable lease that
   * claims a good one's place, since the one written last has it.
   */
  poison(key: string, value: Uint8Array, first: boolean): void {
    if (this.all.some((record) => record.key === key)) return;
    const stored = { value, etcdLease: 0n, createRevision: 1n, modRevision: 1n };
    const read = readStoredLease(key, stored);
    if (!first && !isUnreadable(read) && this.#claims(read)) return;
    this.#store.put(SUBNETS + key, value);
  }

  #claims(record: LeaseRecord): boolean {
    const { routes, neighbours, fdb, dataplane } = this.#backend.wanted(this.#own, [record], ROUTE_TO).kernel;
    const {
      routes: goodRoutes,
      neighbours: goodNeighbours,
      fdb: goodFdb,
      dataplane: goodPlane,
    } = this.#expected;
    const places = new Set<string>([
      ...goodRoutes.map(({ dst }) => dst),
      ...goodNeighbours.map(({ ip }) => ip),
      ...goodFdb.map(({ mac }) => mac),
      ...(goodPlane?.routes ?? []).map(({ dst }) => dst),
    ]);
    return [
      ...(dataplane === undefined ? routes.map(({ dst }) => dst) : []),
      ...neighbours.map(({ ip }) => ip),
      ...fdb.map(({ mac }) => mac),
      ...(dataplane?.routes ?? []).map(({ dst }) => dst),
    ].some((place) => places.has(place));
  }

  async start(): Promise<void> {
    const [registry, clock, logger, counters] = [this.#registry, this.#clock, this.#logger, this.#counters];
    this.#stop = watchLeases(
      { registry, clock, logger, counters, random: () => 0.5 },
      {
        onChange: (_change, all) => {
          this.#records = all;
        },
        onState: () => undefined,
      },
    );
    await clock.advance(0);
  }

  async take(step: Step): Promise<void> {
    if ('put' in step) this.poison(step.put, step.value, false);
    else if ('delete' in step) this.#deletePoison(step.delete);
    else if ('garble' in step) this.#garble(step.garble, step.value);
    else if ('mend' in step) this.write(this.all[step.mend % this.all.length]!);
    else if ('compact' in step) {
      this.#registry.disconnect();
      this.#store.put('/elsewhere', 'x');
      this.#store.put('/elsewhere', 'y');
      this.#store.compact();
      this.#registry.reconnect();
    } else if ('cut' in step) {
      this.#registry.disconnect();
      await this.#clock.advance(0);
      this.#registry.reconnect();
    }
    await this.#clock.advance('wait' in step ? step.wait : 0);
  }

  #deletePoison(index: number): void {
    const good = new Set(this.all.map(({ key }) => SUBNETS + key));
    const keys = this.#store.range(SUBNETS).filter(({ key }) => !good.has(key));
    const chosen = keys[index % Math.max(1, keys.length)];
    if (chosen !== undefined) this.#store.delete(chosen.key);
  }

  /** Only with what cannot be read: a readable value is another lease, which a stranger with the permission may write. */
  #garble(index: number, value: Uint8Array): void {
    const { key } = this.all[index % this.all.length]!;
    const read = readStoredLease(key, { value, etcdLease: 0n, createRevision: 1n, modRevision: 1n });
    if (isUnreadable(read)) this.#store.put(SUBNETS + key, value);
  }

  /** What is wanted now holds everything that is wanted of the good ones, and nothing else in their places. */
  look(): void {
    const own = this.#records.get(this.#own.key);
    holds(own !== undefined, 'our own lease is gone');
    const wanted = this.#peers.wanted(this.#backend, own, this.#records, ROUTE_TO);
    const expected = this.#expected;
    same(expected.links, wanted.links);
    same(expected.addresses, wanted.addresses);
    for (const each of expected.routes)
      same(
        [each],
        wanted.routes.filter(({ dst }) => dst === each.dst),
      );
    for (const each of expected.neighbours)
      same(
        [each],
        wanted.neighbours.filter(({ ip }) => ip === each.ip),
      );
    for (const each of expected.fdb)
      same(
        [each],
        wanted.fdb.filter(({ mac }) => mac === each.mac),
      );
    for (const each of expected.dataplane?.routes ?? [])
      same(
        [each],
        (wanted.dataplane?.routes ?? []).filter(({ dst }) => dst === each.dst),
      );
    for (const peer of expected.peers) holds(wanted.peers.has(peer), `${peer} is not let in`);
  }

  async end(): Promise<void> {
    // A key is told once; what is told is bounded by the minute.
    holds(this.#logger.lines.length < 400, `${this.#logger.lines.length} log lines`);
    this.#stop();
    await this.#clock.advance(60_000);
    this.#store.close();
    holds(this.#clock.pending === 0, 'a timer was left');
  }
}

function same(expected: unknown, found: unknown): void {
  const [left, right] = [JSON.stringify(expected), JSON.stringify(found)];
  holds(left === right, `wanted ${right} instead of ${left}`);
}
