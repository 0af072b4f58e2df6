// A store, a lease machine, and what passes between them, step by step as a test wants it: deliveries that come late,
// twice or in the wrong order, listings that are answered late or not at all, a store that is restored or compacted.

import type { Random } from '../../src/clock.js';
import type { IsOwn } from '../../src/subnet/identity.js';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { LeaseMachine, type MachineInput } from '../../src/subnet/lease-machine.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import type { Listing, RegistryEvent, Unreadable } from '../../src/subnet/registry.js';
import { isUnreadable, readStoredLease } from '../../src/subnet/stored-lease.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeStore, type StoredKey, type StoreEvent } from '../fakes/fake-registry-store.js';
import { attributes, PREFIX } from './world.js';

/** Some overlap, some have both families, one has only the second. */
export const KEYS: readonly string[] = [
  '10.5.1.0-24',
  '10.5.2.0-24',
  '10.5.3.0-24',
  '10.5.8.0-24',
  '10.5.0.0-22',
  '10.5.9.0-24&fc00:5:0:9::-64',
  '0.0.0.0-0&fc00:5:0:a::-64',
];
export const OWN_IP = '192.168.50.1';

/** A change of the store. Those of one etcd lease (1 or 2) end together, in one revision. */
export type Write =
  | { readonly what: 'put'; readonly key: number; readonly host: number; readonly lease: number }
  | { readonly what: 'junk' | 'delete'; readonly key: number }
  | { readonly what: 'end'; readonly lease: number }
  | { readonly what: 'compact' };

interface Batch {
  readonly events: readonly RegistryEvent[];
  readonly revision: bigint;
}

export class WatchHistory {
  machine: LeaseMachine;
  /** The set as the changes told add up to it. */
  readonly followed = new Map<string, LeaseRecord>();
  now = 0;
  cut = false;
  #store = new FakeStore(new FakeClock());
  #leases = new Map<number, bigint>();
  #writes: Write[] = [];
  readonly #random: Random;
  #cursor = 0n;
  #last: Batch | undefined;
  #answer: { readonly listing: Listing; readonly asked: number } | undefined;
  readonly #told: (input: MachineInput, before: ReadonlyMap<string, LeaseRecord>) => void;

  /** `told` is called after each input, with the set as it was before. */
  constructor(random: Random, told: (input: MachineInput, before: ReadonlyMap<string, LeaseRecord>) => void) {
    this.#random = random;
    this.machine = this.#start(undefined);
    this.#told = told;
  }

  /** Another life begins with the set as it is. */
  restart(): void {
    this.machine = this.#start(new Map(this.machine.records));
    this.cut = false;
    this.#answer = undefined;
    this.#last = undefined;
  }

  write(write: Write): void {
    this.#writes.push(write);
    const store = this.#store;
    if (write.what === 'compact') store.compact();
    else if (write.what === 'end') {
      store.revoke(this.#leases.get(write.lease) ?? 0n);
      this.#leases.delete(write.lease);
    } else {
      const key = PREFIX + (KEYS[write.key] ?? 'junk');
      if (write.what === 'put') {
        const id = write.lease === 0 ? 0n : (this.#leases.get(write.lease) ?? store.grant(86_400));
        if (id !== 0n) this.#leases.set(write.lease, id);
        // One node has one lease: only the first key can be ours.
        const host = write.key === 0 ? write.host : Math.max(1, write.host);
        store.put(key, encodeValue(attributes(`192.168.50.${host + 1}`)), id);
      } else if (write.what === 'junk') store.put(key, 'junk');
      else store.delete(key);
    }
  }

  /**
   * Another store takes the place of this one: a copy of it as it was so many writes ago. A watch goes on in it where it
   * stood, unless the copy has not come that far when the watch is resumed.
   */
  restore(ago: number): void {
    const writes = this.#writes.slice(0, Math.max(0, this.#writes.length - ago));
    this.#store = new FakeStore(new FakeClock());
    this.#leases = new Map();
    this.#writes = [];
    for (const write of writes) this.write(write);
    this.#last = undefined;
    this.#answer = undefined;
    if (this.cut) return;
    this.setCut(true);
    this.setCut(false);
  }

  setCut(cut: boolean): void {
    if (cut === this.cut) return;
    this.cut = cut;
    this.#step(cut ? { type: 'disconnected', reason: 'cut' } : { type: 'connected' });
    if (!cut && this.#cursor > this.#store.revision + 1n) this.#step({ type: 'compacted' });
  }

  pass(ms: number): void {
    this.now += ms;
    this.#step({ type: 'tick' });
  }

  /** Delivers the next so many revisions; with `swap` those after them first. */
  deliver(revisions: number, swap: boolean): void {
    if (this.cut || this.machine.next.do !== 'watch') return;
    const batches = [this.#take(revisions), swap ? this.#take(revisions) : undefined];
    for (const batch of batches.reverse()) if (batch !== undefined) this.#deliver(batch);
  }

  /** Delivers the last batch once more, whatever is done now. */
  deliverAgain(): void {
    if (this.#last !== undefined) this.#deliver(this.#last);
  }

  /** Lets the store answer a listing that is due; the answer is still on its way. */
  ask(): void {
    const { next } = this.machine;
    if (this.cut || next.do !== 'list' || next.at > this.now) return;
    this.#answer ??= { listing: this.#list(), asked: this.now };
  }

  /** The answer arrives; without one, or when it is lost, the listing fails. */
  answer(lost: boolean): void {
    const { next } = this.machine;
    if (next.do !== 'list' || next.at > this.now) return;
    const answer = lost ? undefined : this.#answer;
    this.#answer = undefined;
    if (answer === undefined) {
      this.#step({ type: 'list-failed', reason: 'no answer' });
      return;
    }
    this.#step({ type: 'listed', ...answer });
    const then = this.machine.next;
    if (then.do !== 'watch') return;
    this.#cursor = then.from;
    // A watch that cannot be had is a loss like any other.
    if (this.cut) this.#step({ type: 'disconnected', reason: 'cut' });
  }

  /** Lets time pass until a listing is due that is asked for and answered at once; none when a watch stands. */
  relist(): void {
    const { next } = this.machine;
    if (next.do !== 'list') return;
    this.now = Math.max(this.now, next.at);
    this.ask();
    this.answer(false);
  }

  /** Lets everything arrive, and time pass, until the machine only waits for the store to change. */
  settle(): void {
    this.setCut(false);
    for (let rounds = 0; rounds < 100; rounds++) {
      const { next } = this.machine;
      if (next.do === 'list') {
        this.relist();
      } else if (this.#store.revision >= this.#cursor) {
        this.deliver(Infinity, false);
      } else if (next.tickAt === undefined) {
        return;
      } else {
        this.pass(Math.max(0, next.tickAt - this.now));
      }
    }
    throw new Error('the machine does not settle');
  }

  /** What the store holds: leases by key, and the keys that cannot be read. */
  content(): {
    readonly records: ReadonlyMap<string, LeaseRecord>;
    readonly unreadable: ReadonlySet<string>;
  } {
    const { records, unreadable } = this.#list();
    return {
      records: new Map(records.map((record) => [record.key, record])),
      unreadable: new Set(unreadable.map(({ key }) => key)),
    };
  }

  #start(initial: ReadonlyMap<string, LeaseRecord> | undefined): LeaseMachine {
    const isOwn: IsOwn = ({ attributes: { publicIps } }) => publicIps[4] === OWN_IP;
    return new LeaseMachine({ random: this.#random, isOwn, initial }, this.now);
  }

  #list(): Listing {
    const found = this.#store.range(PREFIX).map(read);
    return {
      revision: this.#store.revision,
      records: found.filter((entry): entry is LeaseRecord => !isUnreadable(entry)),
      unreadable: found.filter(isUnreadable),
    };
  }

  /** The next revisions of the history, none of them split; undefined when it is compacted away or has none. */
  #take(revisions: number): Batch | undefined {
    const events = this.#store.since(this.#cursor);
    if (events === undefined) {
      this.#step({ type: 'compacted' });
      return undefined;
    }
    const upTo = [...new Set(events.map(({ revision }) => revision))].slice(0, revisions).at(-1);
    if (upTo === undefined) return undefined;
    this.#cursor = upTo + 1n;
    return {
      events: events.filter(({ revision }) => revision <= upTo).map(asRegistryEvent),
      revision: upTo,
    };
  }

  #deliver(batch: Batch): void {
    this.#last = batch;
    this.#step({ type: 'events', ...batch });
  }

  #step(input: MachineInput): void {
    const before = new Map(this.machine.records);
    const { change } = this.machine.step(input, this.now);
    for (const record of change?.removed ?? []) {
      if (!this.followed.delete(record.key)) throw new Error(`${record.key} is removed, and was never put`);
    }
    for (const record of change?.put ?? []) this.followed.set(record.key, record);
    this.#told(input, before);
  }
}

function asRegistryEvent(event: StoreEvent): RegistryEvent {
  if (event.type === 'delete')
    return { type: 'delete', key: event.key.slice(PREFIX.length), modRevision: event.revision };
  const found = read(event.stored);
  return isUnreadable(found) ? { type: 'unreadable', ...found } : { type: 'put', record: found };
}

function read({ key, value, lease, createRevision, modRevision }: StoredKey): LeaseRecord | Unreadable {
  return readStoredLease(key.slice(PREFIX.length), { value, etcdLease: lease, createRevision, modRevision });
}
