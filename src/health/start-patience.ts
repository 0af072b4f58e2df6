// While the daemon rightly waits for etcd or a config before it is ready, it asks the service manager for more time.
// A start that hangs for another reason, or in which a loop is stuck, gets no more than the unit's own TimeoutStartSec.

import type { Clock } from '../clock.js';
import type { DaemonHealth, HealthReport } from './daemon-health.js';
import type { Heartbeats } from './heartbeats.js';
import type { HealthReasonCode } from './reasons.js';

export interface PatienceParts {
  readonly clock: Pick<Clock, 'after'>;
  readonly health: Pick<DaemonHealth, 'report'>;
  readonly heartbeats: Pick<Heartbeats, 'stuck'>;
  readonly notify: (state: string) => void;
}

const FIRST_MS = 1_000;
const PACE_MS = 10_000;
/** From each word of it on; three may be lost. */
const EXTENSION_USEC = 45_000_000;

const WAITING: ReadonlySet<HealthReasonCode> = new Set([
  'waiting-for-config',
  'waiting-for-lease',
  'store-unreachable',
  'identity-refused',
] as const);

/** Starts at once, and goes on until the returned stop: to be called when the daemon is ready. */
export function startPatience({ clock, health, heartbeats, notify }: PatienceParts): () => void {
  const look = (): (() => void) => {
    if (waits(health.report()) && heartbeats.stuck().length === 0)
      notify(`EXTEND_TIMEOUT_USEC=${EXTENSION_USEC}`);
    return clock.after(PACE_MS, () => {
      cancel = look();
    });
  };
  let cancel = clock.after(FIRST_MS, () => {
    cancel = look();
  });
  return () => {
    cancel();
  };
}

/** Without any network yet, the first listing of etcd is what is waited for. */
function waits({ networks }: HealthReport): boolean {
  return (
    networks.length === 0 || networks.some(({ reasons }) => reasons.some(({ code }) => WAITING.has(code)))
  );
}
