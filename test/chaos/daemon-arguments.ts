// How the daemons of a chaos run are started.

import { HEALTH_PORT } from './readiness.js';
import type { Setting } from './setting.js';

/** The arguments of the daemon on the host with this number, counted from 0. */
export function daemonArguments({ ttlSeconds }: Setting, index: number): readonly string[] {
  return [
    `-subnet-lease-ttl=${ttlSeconds}s`,
    `-healthz-port=${HEALTH_PORT}`,
    // Either way of going on without a subnet is seen in a run.
    `-on-lease-lost=${index % 2 === 0 ? 'exit' : 'reacquire'}`,
  ];
}
