// Where a watch stands: which revision comes next, and what an answer of etcd means for that. Pure; the stream and
// its repetition are watch.ts. Every rule here is one whose absence loses events.

import type { Event } from './generated/kv.js';
import type { WatchResponse } from './generated/rpc.js';

/** A change of one key. `kv` of a delete has key and mod revision only. */
export type WatchEvent = Event & { readonly kv: NonNullable<Event['kv']> };

/** What an answer means to the watch loop. */
export type WatchStep =
  /** The watch stands. `storeRevision` is the answering member's. */
  | { readonly type: 'created'; readonly storeRevision: bigint; readonly newCluster: boolean }
  /** Changes in the order of their revisions; every change up to `revision` has been handed out with these. */
  | { readonly type: 'events'; readonly events: readonly WatchEvent[]; readonly revision: bigint }
  /** A part of a large answer, or nothing new. */
  | { readonly type: 'nothing' }
  /** The changes to be resumed at are no longer kept. */
  | { readonly type: 'compacted'; readonly revision: bigint }
  /** etcd ended the watch for another reason. */
  | { readonly type: 'canceled'; readonly reason: string };

export class WatchCursor {
  #next: bigint;
  #clusterId: bigint | undefined;
  #parts: Event[] = [];

  /** `startRevision` is the first revision wanted, of that cluster where it is known; 0n for "from now on". */
  constructor(startRevision: bigint, clusterId?: bigint) {
    this.#next = startRevision;
    this.#clusterId = clusterId;
  }

  /** The revision a new stream has to start at; 0n as long as none is known. */
  get resumeRevision(): bigint {
    return this.#next;
  }

  /** A new stream begins: parts of an answer that the old one did not finish come again in full. */
  restart(): void {
    this.#parts = [];
  }

  accept(response: WatchResponse): WatchStep {
    const storeRevision = response.header?.revision ?? 0n;
    // Before `canceled`: a compacted watch is cancelled as well.
    if (response.compactRevision > 0n) return { type: 'compacted', revision: response.compactRevision };
    // Before `created`: a watch that is not permitted is both.
    if (response.canceled) return { type: 'canceled', reason: response.cancelReason };
    if (response.created) return this.#created(response, storeRevision);
    if (response.fragment || this.#parts.length > 0) return this.#fragment(response);
    if (response.events.length > 0) return this.#events(response.events);
    return this.#progress(storeRevision);
  }

  #created(response: WatchResponse, storeRevision: bigint): WatchStep {
    // With a start revision the store's own says nothing: history up to it is still to come.
    if (this.#next === 0n) this.#next = storeRevision + 1n;
    const clusterId = response.header?.clusterId;
    const newCluster = this.#clusterId !== undefined && clusterId !== this.#clusterId;
    this.#clusterId = clusterId;
    return { type: 'created', storeRevision, newCluster };
  }

  /** The parts of one answer may split a single revision, so the cursor moves only when they are complete. */
  #fragment(response: WatchResponse): WatchStep {
    // One by one: an answer may have more events than a call may have arguments.
    for (const event of response.events) this.#parts.push(event);
    if (response.fragment) return { type: 'nothing' };
    const events = this.#parts;
    this.#parts = [];
    return this.#events(events);
  }

  #events(received: readonly Event[]): WatchStep {
    const events = received.filter(
      (event): event is WatchEvent => event.kv !== undefined && event.kv.modRevision >= this.#next,
    );
    const last = events.at(-1);
    if (last === undefined) return { type: 'nothing' };
    // Not the header's revision: while a watch catches up, that is ahead of the events.
    const revision = last.kv.modRevision;
    this.#next = revision + 1n;
    return { type: 'events', events, revision };
  }

  /** An answer without events is etcd's word that everything up to its revision has been sent. */
  #progress(storeRevision: bigint): WatchStep {
    if (storeRevision < this.#next) return { type: 'nothing' };
    this.#next = storeRevision + 1n;
    return { type: 'events', events: [], revision: storeRevision };
  }
}
