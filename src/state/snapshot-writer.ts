// When a snapshot is written: at once after a change, then at most every two seconds, and a last time at the stop.
// What is in it and where it goes is the caller's.

import type { Cancel, Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import type { Snapshot } from './snapshot.js';

const INTERVAL_MS = 2_000;
/** A full disk is not full of us; a try now and then is enough. */
const RETRY_MS = 30_000;

export interface SnapshotWriterParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  /** The picture as it is now; undefined while there is nothing to keep. Asked when it is about to be written. */
  readonly picture: () => Snapshot | undefined;
  readonly write: (snapshot: Snapshot) => Promise<void>;
}

export class SnapshotWriter {
  readonly #parts: SnapshotWriterParts;
  #dirty = false;
  #stopped = false;
  #failing = false;
  #writing: Promise<void> | undefined;
  #cancel: Cancel | undefined;
  #end: Promise<void> | undefined;
  /** On the monotonic clock: not before this is written again. */
  #notBefore = -Infinity;

  constructor(parts: SnapshotWriterParts) {
    this.#parts = parts;
  }

  /** Something that the snapshot shows has changed. Ignored after stop(). */
  changed(): void {
    if (this.#stopped) return;
    this.#dirty = true;
    this.#next();
  }

  /** Writes what is still to be written, and ends. Never rejects: a failure is told like any other. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#end ??= this.#finish();
    return this.#end;
  }

  async #finish(): Promise<void> {
    await this.#writing;
    if (this.#dirty) await this.#write();
  }

  #next(): void {
    if (!this.#dirty || this.#stopped || this.#writing !== undefined || this.#cancel !== undefined) return;
    const wait = this.#notBefore - this.#parts.clock.monotonic();
    if (wait > 0) {
      this.#cancel = this.#parts.clock.after(wait, () => {
        this.#cancel = undefined;
        this.#next();
      });
      return;
    }
    this.#writing = this.#write().then(() => {
      this.#writing = undefined;
      this.#next();
    });
  }

  async #write(): Promise<void> {
    const { clock, picture, write } = this.#parts;
    this.#dirty = false;
    try {
      const snapshot = picture();
      if (snapshot === undefined) return;
      await write(snapshot);
      this.#notBefore = clock.monotonic() + INTERVAL_MS;
      this.#succeeded();
    } catch (err) {
      this.#dirty = true;
      this.#notBefore = clock.monotonic() + RETRY_MS;
      this.#failed(err);
    }
  }

  #succeeded(): void {
    if (this.#failing) this.#parts.logger.info('snapshots of the network are kept again');
    this.#failing = false;
  }

  #failed(err: unknown): void {
    this.#parts.counters.increment('stateWriteErrors');
    if (!this.#failing) {
      this.#parts.logger.warn(
        'the snapshot of the network cannot be kept; the last one stands, and it is tried again',
        {
          err,
        },
      );
    }
    this.#failing = true;
  }
}
