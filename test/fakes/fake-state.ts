// A state folder in memory that outlives the states opened on it, as the disk outlives daemons. It keeps bytes and
// reads them with the real codec, so that a test can spoil them. It writes at once; fsync and files are not its matter.

import type { Clock } from '../../src/clock.js';
import { sleep } from '../../src/clock.js';
import type { Counters } from '../../src/counters.js';
import type { Logger } from '../../src/logger.js';
import { SnapshotFormatError, StateError } from '../../src/state/errors.js';
import { isInstance, parseInstances, renderInstances } from '../../src/state/instances.js';
import type { NodeState } from '../../src/state/node-state.js';
import { decodeSnapshot, encodeSnapshot } from '../../src/state/snapshot-codec.js';
import type { Snapshot } from '../../src/state/snapshot.js';

export interface FakeStateParts {
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
}

export class FakeStateFolder {
  readonly path: string;
  instances = '';
  snapshot: Uint8Array | undefined;
  /** What was put aside. */
  bad: Uint8Array | undefined;
  /** While set, opening and writing fail as on a read-only file system. */
  readOnly = false;
  /** Snapshots written so far. */
  written = 0;
  #holder: FakeState | undefined;

  constructor(path = '/var/lib/flannel/test') {
    this.path = path;
  }

  /** As openState: waits five seconds for a folder that is held. */
  async open(parts: FakeStateParts): Promise<NodeState> {
    this.refuseReadOnly();
    const deadline = parts.clock.monotonic() + 5_000;
    while (this.#holder !== undefined) {
      if (parts.clock.monotonic() >= deadline) {
        throw new StateError('locked', `the state folder ${this.path} is in use by process 1`);
      }
      await sleep(parts.clock, 100);
    }
    this.#holder = new FakeState(this, parts);
    return this.#holder;
  }

  /** The process that has the folder dies. What it still tries to do has no effect. */
  kill(): void {
    if (this.#holder !== undefined) this.#holder.dead = true;
    this.#holder = undefined;
  }

  release(holder: NodeState): void {
    if (this.#holder === holder) this.#holder = undefined;
  }

  refuseReadOnly(): void {
    if (this.readOnly) throw new StateError('unusable', `${this.path} cannot be written: EROFS`);
  }
}

class FakeState implements NodeState {
  readonly folder: string;
  readonly predecessors: readonly string[];
  dead = false;
  readonly #disk: FakeStateFolder;
  readonly #parts: FakeStateParts;

  constructor(disk: FakeStateFolder, parts: FakeStateParts) {
    this.folder = disk.path;
    this.#disk = disk;
    this.#parts = parts;
    this.predecessors = disk.instances === '' ? [] : (parseInstances(disk.instances) ?? []);
  }

  begin(instance: string): Promise<void> {
    return this.#do(() => {
      if (!isInstance(instance)) throw new RangeError(`not an instance: ${JSON.stringify(instance)}`);
      this.#disk.refuseReadOnly();
      this.#disk.instances = renderInstances(this.predecessors, instance);
    });
  }

  readSnapshot(): Promise<Snapshot | undefined> {
    return this.#do(() => {
      const bytes = this.#disk.snapshot;
      try {
        return bytes === undefined ? undefined : decodeSnapshot(bytes, this.#parts.prefix);
      } catch (error) {
        if (!(error instanceof SnapshotFormatError)) throw error;
        this.#parts.counters.increment('stateUnreadable');
        this.#parts.logger.warn('a file of the state folder cannot be used; put aside, and on without it', {
          file: `${this.folder}/snapshot.json`,
          reason: error.reason,
        });
        this.#disk.bad = bytes;
        this.#disk.snapshot = undefined;
        return undefined;
      }
    });
  }

  writeSnapshot(snapshot: Snapshot): Promise<void> {
    return this.#do(() => {
      this.#disk.refuseReadOnly();
      this.#disk.snapshot = encodeSnapshot(snapshot).bytes;
      this.#disk.written++;
    });
  }

  close(): Promise<void> {
    this.dead = true;
    this.#disk.release(this);
    return Promise.resolve();
  }

  #do<T>(action: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.dead) throw new StateError('closed', `the state folder ${this.folder} has been closed`);
      resolve(action());
    });
  }
}
