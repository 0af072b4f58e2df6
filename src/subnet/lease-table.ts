// The leases as far as listings and watch events have told us: those in, the current set and what changed out. What
// goes missing in a suspicious way stays in the set until it is confirmed. Pure state; lease-machine.ts feeds it.

import { HoldDown, type HoldDownEnd } from './hold-down.js';
import type { IsOwn } from './identity.js';
import { sameRecord, sameWriting } from './lease-diff.js';
import type { LeaseRecord } from './lease.js';
import { RecentRevisions } from './recent-revisions.js';
import type { Listing, RegistryEvent, Unreadable } from './registry.js';
import { StorePosition } from './store-position.js';
import { suspicionOf, type Loss } from './suspicion.js';

/** What one listing or one batch of events changed. */
export interface LeaseChange {
  /** Created or written again; each key once, as it stands now. */
  readonly put: readonly LeaseRecord[];
  /** Gone; as they were last known. */
  readonly removed: readonly LeaseRecord[];
  /** Written with something that cannot be read, and not reported before. What was known of the key stands. */
  readonly unreadable: readonly Unreadable[];
}

/** A loss that is not believed for now. */
export interface Suspicion {
  /** How many peers are held because of it. */
  readonly count: number;
  readonly reason: string;
}

export interface TableStep {
  readonly change: LeaseChange;
  readonly suspicion?: Suspicion;
  /** Nothing is held any more. */
  readonly ended?: HoldDownEnd;
}

export interface LeaseTableOptions {
  /** Which leases are this node's. They are not peers, and never held: their loss is acted upon at once. */
  readonly isOwn?: IsOwn | undefined;
  /** What an earlier life knew. */
  readonly initial?: ReadonlyMap<string, LeaseRecord> | undefined;
}

/** How long a loss that is suspicious has to last. */
export const HOLD_DOWN_MS = 60_000;
/** How many unreadable keys are remembered as reported; beyond it the oldest may be reported once more. */
const REPORTED_LIMIT = 1000;

export class LeaseTable {
  readonly #isOwn: IsOwn;
  /** Those in the store as we know it, and those that are held. */
  readonly #records: Map<string, LeaseRecord>;
  readonly #held = new HoldDown();
  readonly #position: StorePosition;
  readonly #reported = new RecentRevisions(REPORTED_LIMIT);
  /** What the keys touched by the step under way were before it. */
  #before = new Map<string, LeaseRecord | undefined>();

  constructor({ isOwn = () => false, initial = new Map() }: LeaseTableOptions = {}) {
    this.#isOwn = isOwn;
    this.#records = new Map(initial);
    const revisions = [...initial.values()].map(({ modRevision }) => modRevision);
    this.#position = new StorePosition(revisions.reduce((a, b) => (a > b ? a : b), 0n));
  }

  /** The current set, live: it changes with the next listing or batch. */
  get records(): ReadonlyMap<string, LeaseRecord> {
    return this.#records;
  }

  /** How many of them are not in the store, but held. */
  get held(): number {
    return this.#held.size;
  }

  /** When the first of the holds is over, and a listing is to confirm it; undefined when nothing is held. */
  get firstEnd(): number | undefined {
    return this.#held.firstEnd;
  }

  /**
   * Makes the set equal to the listing, but for what is held. The listing's word on what it shows is final even where
   * its revisions are lower than ours. A key whose value cannot be read any more keeps its last good record.
   * `asked` is when the listing was asked for: holds that were over by then end. `checks`: a resumed watch ought to have
   * told of everything in it.
   */
  list(listing: Listing, asked: number, now: number, checks = false): TableStep {
    const { records, unreadable } = listing;
    this.#before = new Map();
    const peersBefore = this.#peers();
    const rewritten = this.#rewritten(records);
    const otherStore = this.#position.listed(listing) ?? rewritten;
    const listed = new Set([...records, ...unreadable].map(({ key }) => key));
    const missing = [...this.#live()].filter(({ key }) => !listed.has(key));
    for (const key of listed) this.#held.release(key);
    for (const record of records) this.#put(record);
    // A store that is not the one we knew confirms nothing about it.
    if (otherStore !== undefined) this.#held.prolong(asked, now + HOLD_DOWN_MS);
    else for (const key of this.#held.confirm(asked)) this.#drop(key);
    return this.#step(unreadable, this.#lose(missing, { peersBefore, otherStore, untold: checks }, now));
  }

  /** Applies a batch that covers the store's history up to `revision`. What is old news has no effect. */
  apply(events: readonly RegistryEvent[], revision: bigint, now: number): TableStep {
    this.#before = new Map();
    const unreadable: Unreadable[] = [];
    const gone = new Map<string, LeaseRecord>();
    const deletions = new Map<bigint, number>();
    // A single delete is believed, however many peers there are: it is not to cost the time of counting them.
    const peersBefore = events.filter(({ type }) => type === 'delete').length > 1 ? this.#peers() : 0;
    for (const event of events) {
      const { key, modRevision } = event.type === 'put' ? event.record : event;
      if (!this.#position.isNews(key, modRevision)) continue;
      if (event.type !== 'delete') this.#held.release(key);
      if (event.type === 'unreadable') unreadable.push(event);
      if (event.type === 'put') {
        gone.delete(key);
        this.#put(event.record);
      }
      if (event.type !== 'delete') continue;
      const known = this.#held.has(key) || gone.has(key) ? undefined : this.#records.get(key);
      if (known === undefined) continue;
      deletions.set(modRevision, (deletions.get(modRevision) ?? 0) + 1);
      // What came within this batch was nobody's peer yet.
      if (this.#before.has(key) && this.#before.get(key) === undefined) this.#drop(key);
      else gone.set(key, known);
    }
    this.#position.cover(revision);
    const together = mostOf(deletions);
    return this.#step(unreadable, this.#lose([...gone.values()], { peersBefore, ...together }, now));
  }

  /** Those in the store as far as we know. */
  *#live(except?: ReadonlySet<LeaseRecord>): Generator<LeaseRecord> {
    for (const record of this.#records.values()) {
      if (!this.#held.has(record.key) && except?.has(record) !== true) yield record;
    }
  }

  #peers(): number {
    let count = 0;
    for (const record of this.#live()) if (!this.#isOwn(record)) count++;
    return count;
  }

  /** Why the listing is not of the history that we followed: of its past we were told something else. */
  #rewritten(records: readonly LeaseRecord[]): string | undefined {
    const other = records.find((record) => {
      const known = this.#records.get(record.key);
      return (
        this.#position.hasHeard(record.modRevision) && !(known !== undefined && sameWriting(known, record))
      );
    });
    if (other === undefined) return undefined;
    return `the store has another history, in which ${other.key} was written at revision ${other.modRevision}`;
  }

  #put(record: LeaseRecord): void {
    const known = this.#records.get(record.key);
    this.#note(record.key);
    // What is the same stays the same object: what others derived from it is remembered by it.
    this.#records.set(record.key, known !== undefined && sameRecord(known, record) ? known : record);
  }

  /** What has come, and is still there, takes the place of what is held. */
  #displace(): void {
    if (this.#held.size === 0) return;
    for (const key of [...this.#before.keys()]) {
      const record = this.#records.get(key);
      if (record === undefined || this.#held.has(key)) continue;
      for (const other of this.#held.displace(record)) this.#drop(other);
    }
  }

  #drop(key: string): void {
    this.#note(key);
    this.#records.delete(key);
  }

  #note(key: string): void {
    if (!this.#before.has(key)) this.#before.set(key, this.#records.get(key));
  }

  /** Takes what is missing out of the set, or holds it. */
  #lose(
    missing: readonly LeaseRecord[],
    loss: Omit<Loss, 'own' | 'peers'>,
    now: number,
  ): Suspicion | undefined {
    if (missing.length === 0) return undefined;
    const peers = missing.filter((record) => !this.#isOwn(record));
    const reason = suspicionOf({ ...loss, own: peers.length < missing.length, peers: peers.length });
    let held: ReadonlySet<LeaseRecord> = new Set();
    if (reason !== undefined) held = this.#held.hold(peers, this.#live(new Set(missing)), now + HOLD_DOWN_MS);
    for (const record of missing) if (!held.has(record)) this.#drop(record.key);
    return reason === undefined || held.size === 0 ? undefined : { count: held.size, reason };
  }

  #step(unreadable: readonly Unreadable[], suspicion: Suspicion | undefined): TableStep {
    this.#displace();
    const put: LeaseRecord[] = [];
    const removed: LeaseRecord[] = [];
    for (const [key, old] of this.#before) {
      const current = this.#records.get(key);
      if (current !== undefined && current !== old) put.push(current);
      if (current === undefined && old !== undefined) removed.push(old);
    }
    const change = { put, removed, unreadable: unreadable.filter((entry) => this.#isUnreported(entry)) };
    const ended = this.#held.takeEnd();
    return {
      change,
      ...(suspicion === undefined ? {} : { suspicion }),
      ...(ended === undefined ? {} : { ended }),
    };
  }

  #isUnreported({ key, modRevision }: Unreadable): boolean {
    if (this.#reported.get(key) === modRevision) return false;
    this.#reported.set(key, modRevision);
    return true;
  }
}

/** The revision with the most deletions. */
function mostOf(deletions: ReadonlyMap<bigint, number>): Pick<Loss, 'together'> {
  let together: Loss['together'];
  for (const [revision, count] of deletions) {
    if (together === undefined || count > together.count) together = { count, revision };
  }
  return together === undefined ? {} : { together };
}
