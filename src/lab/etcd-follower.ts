// What happens below a prefix of an etcd, seen from the wire: each change, in order (etcd-follow.ts is the program).
// Shares nothing with the daemon's own watch.

import type { Followed } from './etcd-follow.js';
import type { Namespace } from './namespace.js';
import type { LabProcess } from './processes.js';

export type { Followed, FollowedKey } from './etcd-follow.js';

const PROGRAM = `${import.meta.dirname}/etcd-follow.js`;

export class EtcdFollower {
  readonly #process: LabProcess;

  /** Starts at once; `onLine` hears a listing first, then each change. */
  constructor(
    place: Namespace,
    prefix: string,
    endpoints: readonly string[],
    onLine: (line: Followed) => void,
  ) {
    this.#process = place.spawn(process.execPath, [PROGRAM, prefix, ...endpoints], { keepLines: 20 });
    this.#process.output.onLine((line) => {
      if (line.startsWith('{')) onLine(JSON.parse(line) as Followed);
    });
  }

  /** Whether it is still there; one that has ended follows nothing. */
  get runs(): boolean {
    return this.#process.exit === undefined;
  }
}
