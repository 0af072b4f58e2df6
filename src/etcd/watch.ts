// A watch that does not end: stream, loss, back-off, stream again from where it stood. What an answer means is
// watch-cursor.ts; what the events mean is the caller's business.

import { backoffMs, PASSWORD_BACKOFF, STREAM_BACKOFF } from './backoff.js';
import type { Caller } from './call.js';
import { reasonOf, type EtcdChannel, type EtcdStream } from './channel.js';
import { EtcdError } from './errors.js';
import { Event_EventType } from './generated/kv.js';
import type { WatchRequest, WatchResponse } from './generated/rpc.js';
import { prefixEnd, type Kv } from './kv.js';
import type { Lifetime } from './lifetime.js';
import { LEADER, METHODS, type Headers } from './methods.js';
import type { EtcdParts } from './parts.js';
import { WatchCursor, type WatchEvent, type WatchStep } from './watch-cursor.js';

export type { WatchEvent };

export interface WatchOptions {
  /** Every key that begins with this. */
  readonly prefix: string;
  /** The first revision wanted; 0n for "from now on". */
  readonly startRevision: bigint;
  /** The cluster that revision is of, where known: another one has another history, and is told as a compaction. */
  readonly clusterId?: bigint;
}

export interface WatchHandlers {
  /** Changes in the order of their revisions, all up to `revision`; none of them when it is only progress. */
  events(events: readonly WatchEvent[], revision: bigint): void;
  /** The history to resume at is gone (below `revision`). The watch has ended. */
  compacted(revision: bigint): void;
  /** The stream is lost, or cannot be had; it is tried again for ever. Once a loss. */
  disconnected(reason: string): void;
  /** The stream stands: the first time, and again after each loss. */
  connected(): void;
}

/** How a stream ended. */
type End =
  | { readonly type: 'lost'; readonly reason: string; readonly standing: boolean }
  | { readonly type: 'compacted'; readonly revision: bigint }
  /** Its connection is being left for one with renewed certificates. */
  | { readonly type: 'moved' }
  | { readonly type: 'stopped' };

const CONNECT_MS = 5_000;
/** From the request to etcd's word that the watch stands. */
const CREATE_MS = 5_000;
/** etcd's revisions have 63 bits; there is no resuming after the last one. */
const LAST_REVISION = 2n ** 63n - 1n;
/** A stream that lived this long is not a failure in a row with the next one. */
const STABLE_MS = 5_000;

export class Watcher {
  readonly #caller: Caller;
  readonly #kv: Kv;
  readonly #parts: EtcdParts;
  readonly #options: WatchOptions;
  readonly #handlers: WatchHandlers;
  readonly #operation: string;
  readonly #cursor: WatchCursor;
  /** Ends with this watch; the client's own lifetime ends it too. */
  readonly #lifetime: Lifetime;
  /** What the handlers know. */
  #told: 'nothing' | 'connected' | 'disconnected' = 'nothing';
  /** How often in a row a refusal made the token suspect, and until when it does not again. */
  #suspicions = 0;
  #trustedUntil = 0;

  constructor(
    caller: Caller,
    kv: Kv,
    parts: EtcdParts,
    lifetime: Lifetime,
    options: WatchOptions,
    handlers: WatchHandlers,
  ) {
    this.#caller = caller;
    this.#kv = kv;
    this.#parts = parts;
    this.#lifetime = lifetime;
    this.#options = options;
    this.#handlers = handlers;
    this.#operation = `watch ${options.prefix}`;
    this.#cursor = new WatchCursor(options.startRevision, options.clusterId);
  }

  /** Runs until the watch is stopped or overtaken by a compaction. Never rejects of itself. */
  async run(): Promise<void> {
    const { clock, random } = this.#parts;
    for (let failures = 0; ;) {
      const begun = clock.monotonic();
      const end = await this.#stream();
      if (this.#lifetime.closed || end.type === 'stopped') return;
      if (end.type === 'compacted') {
        this.#handlers.compacted(end.revision);
        return;
      }
      if (end.type === 'moved') continue;
      this.#reportLoss(end.reason);
      const lived = end.standing && clock.monotonic() - begun >= STABLE_MS;
      failures = lived ? 1 : failures + 1;
      await this.#lifetime.sleep(clock, backoffMs(failures, STREAM_BACKOFF, random));
    }
  }

  #reportLoss(reason: string): void {
    const { counters, logger } = this.#parts;
    if (this.#told === 'disconnected') {
      logger.debug('the etcd watch is still down', { op: this.#operation, reason });
      return;
    }
    this.#told = 'disconnected';
    counters.increment('etcdDisconnects');
    this.#handlers.disconnected(reason);
  }

  async #stream(): Promise<End> {
    // Told by something that is no etcd, or a broken one. A new listing says where the store really is.
    if (this.#cursor.resumeRevision > LAST_REVISION) return { type: 'compacted', revision: LAST_REVISION };
    try {
      const { channel, headers } = await this.#caller.connect(this.#operation, CONNECT_MS);
      if (this.#lifetime.closed) return { type: 'stopped' };
      this.#cursor.restart();
      return await this.#follow(channel, headers);
    } catch (error) {
      if (error instanceof EtcdError) return { type: 'lost', reason: error.message, standing: false };
      throw error;
    }
  }

  #follow(channel: EtcdChannel, headers: Headers): Promise<End> {
    const { clock } = this.#parts;
    return new Promise((resolve) => {
      let [open, standing] = [true, false];
      const stream = this.#open(channel, { ...headers, ...LEADER });
      const finish = (end: End): void => {
        if (!open) return;
        open = false;
        cancelTimer();
        forget();
        ignoreRenewals();
        stream.cancel();
        resolve(end);
      };
      const lose = (cause: unknown): void => {
        if (!open) return;
        const { error } = this.#caller.failed(this.#operation, channel, headers, cause);
        finish({ type: 'lost', reason: error.message, standing });
      };
      const forget = this.#lifetime.onClose(() => {
        finish({ type: 'stopped' });
      });
      const ignoreRenewals = this.#caller.onRenewed((certificates) => {
        if (channel.certificates !== undefined && channel.certificates !== certificates) {
          finish({ type: 'moved' });
        }
      });
      const cancelTimer = clock.after(CREATE_MS, () => {
        lose(statusError(4, `etcd has not started the watch within ${CREATE_MS / 1000} s`));
      });
      stream.on('data', (response: WatchResponse) => {
        if (!open) return;
        if (response.created) cancelTimer();
        standing ||= response.created && !response.canceled;
        const step = this.#cursor.accept(response);
        if (step.type === 'canceled') {
          this.#doubt(step.reason, headers);
          lose(statusError(2, step.reason));
        } else if (step.type === 'compacted') finish(step);
        else if (step.type === 'events') this.#handlers.events(step.events, step.revision);
        else if (step.type === 'created') this.#created(step, finish);
      });
      stream.on('error', lose);
      stream.on('end', () => {
        lose(statusError(14, 'etcd ended the stream'));
      });
      stream.write(this.#request());
    });
  }

  /** Throws EtcdError when another call has given the connection up since connect. */
  #open(channel: EtcdChannel, headers: Headers): EtcdStream<WatchRequest, WatchResponse> {
    try {
      return channel.stream(METHODS.watch, headers);
    } catch (cause) {
      throw this.#caller.failed(this.#operation, channel, headers, cause).error;
    }
  }

  #created(step: WatchStep & { type: 'created' }, finish: (end: End) => void): void {
    this.#suspicions = 0;
    if (this.#told !== 'connected') this.#handlers.connected();
    this.#told = 'connected';
    if (step.newCluster) {
      finish({ type: 'compacted', revision: step.storeRevision });
    } else if (step.storeRevision + 1n < this.#cursor.resumeRevision) {
      void this.#confirmHistory(finish);
    }
  }

  /**
   * To a watch whose token it does not know any more, etcd before 3.5 says that permission is denied. So the token
   * may be at fault; a missing permission, though, must not make a new one with every try.
   */
  #doubt(reason: string, headers: Headers): void {
    const { clock, random } = this.#parts;
    if (!reason.includes('permission denied') || clock.monotonic() < this.#trustedUntil) return;
    this.#suspicions++;
    this.#trustedUntil = clock.monotonic() + backoffMs(this.#suspicions, PASSWORD_BACKOFF, random);
    this.#caller.suspect(headers);
  }

  /**
   * The member is behind what we have seen. Either it lags, and will catch up; or the store was restored from an
   * older backup, and would count our revisions a second time, unseen. A linearizable read tells which.
   */
  async #confirmHistory(finish: (end: End) => void): Promise<void> {
    const { logger } = this.#parts;
    try {
      const { revision } = await this.#kv.range({ key: this.#options.prefix, countOnly: true });
      if (revision + 1n < this.#cursor.resumeRevision) finish({ type: 'compacted', revision });
    } catch (err) {
      logger.warn('could not find out whether etcd lost history; starting the watch again', { err });
      finish({ type: 'lost', reason: reasonOf(err), standing: false });
    }
  }

  #request(): Parameters<typeof METHODS.watch.encode>[0] {
    const { prefix } = this.#options;
    return {
      requestUnion: {
        $case: 'createRequest',
        value: {
          key: Buffer.from(prefix),
          rangeEnd: prefixEnd(prefix),
          startRevision: this.#cursor.resumeRevision,
          progressNotify: true,
          fragment: true,
        },
      },
    };
  }
}

/** Whether the key was deleted (or expired); otherwise it was written. */
export function isDelete(event: WatchEvent): boolean {
  return event.type === Event_EventType.DELETE;
}

function statusError(code: number, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}
