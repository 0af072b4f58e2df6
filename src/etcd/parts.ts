// What an etcd client is given from outside. Types only.

import type { Clock, Random } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';

export interface EtcdParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: Counters;
}
