// What a network keeps across the lives of the daemon, as the rest of the program sees it. The interface only:
// FileState (file-state.ts) and the tests' FakeState pass the same contract suite.

import type { Snapshot } from './snapshot.js';

/** The state of one network, held by this process alone. After close() every method rejects with `closed`. */
export interface NodeState {
  /** Where it is kept, for messages. */
  readonly folder: string;
  /**
   * The lives that have had this folder before us, the newest first. All of them are dead: the folder is locked. More
   * than one, because a life may end between begin() and the announcement of its presence.
   */
  readonly predecessors: readonly string[];
  /**
   * Writes down our own life, before it is announced anywhere; it is on disk when this resolves. 1 to 128 printable
   * characters, else RangeError. Rejects with StateError `unusable`.
   */
  begin(instance: string): Promise<void>;
  /**
   * The last snapshot; undefined when there is none or it cannot be used. The latter is a warning and counted, and
   * the file is put aside as `snapshot.json.bad`. Whether it is still valid, see judge(); its config text is as it was
   * in the store, and to be parsed as that. Rejects with nothing but StateError `closed`.
   */
  readSnapshot(): Promise<Snapshot | undefined>;
  /**
   * Keeps a snapshot in place of the last; it is on disk when this resolves. Never writes two at once: calls that come
   * meanwhile wait, the newest is written and settles them all. Rejects with StateError: `unusable`, `too-large`.
   */
  writeSnapshot(snapshot: Snapshot): Promise<void>;
  /** Finishes what is being written, and lets go of the folder. May be repeated. */
  close(): Promise<void>;
}
