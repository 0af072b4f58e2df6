// What an etcd client is given from outside. Types only.

import type { Clock, Random } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';

export interface EtcdParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: Counters;
  /** Told of each request: how many milliseconds it took, and whether it was answered with what was asked for. */
  readonly observe?: (ms: number, isAnswered: boolean) => void;
}
