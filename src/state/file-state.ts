// NodeState as files in a locked folder: `instance`, `snapshot.json`, and what was bad as `….bad`.
// How the folder is made and locked is folder.ts; what the files look like is instances.ts and snapshot-codec.ts.

import { join } from 'node:path';
import type { Counters } from '../counters.js';
import { SnapshotFormatError, StateError } from './errors.js';
import { readOwnFile, setAside, UnfitFileError, writeAtomically } from './files.js';
import { lockFolder, makeFolder, type LockParts, type Release } from './folder.js';
import { isInstance, MAX_INSTANCES_BYTES, parseInstances, renderInstances } from './instances.js';
import { NewestWins } from './newest-wins.js';
import type { NodeState } from './node-state.js';
import { decodeSnapshot, encodeSnapshot, MAX_SNAPSHOT_BYTES } from './snapshot-codec.js';
import type { Snapshot } from './snapshot.js';

const INSTANCE_FILE = 'instance';
const SNAPSHOT_FILE = 'snapshot.json';

export interface StateOptions extends LockParts {
  /** `-state-dir`; made if it is absent. */
  readonly stateDir: string;
  /** The name of the network, which becomes the folder's. */
  readonly network: string;
  /** The etcd prefix: a snapshot of another one is not ours. */
  readonly prefix: string;
  readonly counters: Counters;
}

/**
 * Opens the state of a network, for this process alone. A folder that another process has is waited for, five seconds
 * at most. Throws StateError: `locked` with the folder and the pid; `unusable`, after which one can go on without, and
 * say so.
 */
export async function openState(options: StateOptions): Promise<NodeState> {
  const folder = await makeFolder(options.stateDir, options.network);
  const release = await lockFolder(folder, options);
  const predecessors = await readPredecessors(folder, options);
  return new FileState(folder, release, predecessors, options);
}

type Report = Pick<StateOptions, 'logger' | 'counters'>;

async function readPredecessors(folder: string, report: Report): Promise<readonly string[]> {
  const read = await readOrSetAside(join(folder, INSTANCE_FILE), MAX_INSTANCES_BYTES, report, (bytes) => {
    const instances = parseInstances(bytes.toString('latin1'));
    if (instances === undefined) throw new UnfitFileError('is not a list of instances');
    return instances;
  });
  return read ?? [];
}

/** What a file means; undefined, told and counted, when it cannot be used. Never throws for what the file holds. */
async function readOrSetAside<T>(
  path: string,
  maxBytes: number,
  { logger, counters }: Report,
  decode: (bytes: Buffer) => T,
): Promise<T | undefined> {
  try {
    const bytes = await readOwnFile(path, maxBytes);
    return bytes === undefined ? undefined : decode(bytes);
  } catch (error) {
    if (!(error instanceof UnfitFileError) && !(error instanceof SnapshotFormatError)) throw error;
    counters.increment('stateUnreadable');
    logger.warn('a file of the state folder cannot be used; put aside, and on without it', {
      file: path,
      reason: error.reason,
    });
  }
  try {
    await setAside(path);
  } catch (err) {
    logger.warn('a bad file of the state folder cannot be put aside', { file: path, err });
  }
  return undefined;
}

class FileState implements NodeState {
  readonly folder: string;
  readonly predecessors: readonly string[];
  readonly #release: Release;
  readonly #options: StateOptions;
  readonly #instances = new NewestWins((text: string) => writeAtomically(this.folder, INSTANCE_FILE, text));
  readonly #snapshots = new NewestWins((snapshot: Snapshot) => this.#write(snapshot));
  #omitted = 0;
  #closed = false;

  constructor(folder: string, release: Release, predecessors: readonly string[], options: StateOptions) {
    this.folder = folder;
    this.predecessors = predecessors;
    this.#release = release;
    this.#options = options;
  }

  async begin(instance: string): Promise<void> {
    if (!isInstance(instance)) throw new RangeError(`not an instance: ${JSON.stringify(instance)}`);
    this.#refuseClosed();
    await this.#instances.put(renderInstances(this.predecessors, instance));
  }

  async readSnapshot(): Promise<Snapshot | undefined> {
    this.#refuseClosed();
    const { prefix } = this.#options;
    return readOrSetAside(join(this.folder, SNAPSHOT_FILE), MAX_SNAPSHOT_BYTES, this.#options, (bytes) =>
      decodeSnapshot(bytes, prefix),
    );
  }

  async writeSnapshot(snapshot: Snapshot): Promise<void> {
    this.#refuseClosed();
    await this.#snapshots.put(snapshot);
  }

  async close(): Promise<void> {
    this.#closed = true;
    // A write that came to its end after the lock is gone could overwrite a successor's.
    await Promise.all([this.#instances.idle(), this.#snapshots.idle()]);
    this.#release();
  }

  async #write(snapshot: Snapshot): Promise<void> {
    const { bytes, omitted } = encodeSnapshot(snapshot);
    if (omitted > this.#omitted) {
      this.#options.logger.warn('leases too long to be kept are left out of the snapshot', {
        count: omitted,
      });
    }
    this.#omitted = omitted;
    await writeAtomically(this.folder, SNAPSHOT_FILE, bytes);
  }

  #refuseClosed(): void {
    if (this.#closed) throw new StateError('closed', `the state folder ${this.folder} has been closed`);
  }
}
