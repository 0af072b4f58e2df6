// systemd's watchdog: a sign of life at twice the pace it asks for, as long as every loop gives one. A blocked event loop
// sends none either. What happens without is the service manager's: it ends the process and starts it anew.

import type { Clock } from '../clock.js';
import type { Heartbeats } from './heartbeats.js';

export interface WatchdogParts {
  readonly clock: Pick<Clock, 'after'>;
  readonly heartbeats: Pick<Heartbeats, 'stuck'>;
  readonly notify: (state: string) => void;
}

/** Whoever asks for more does not get it: it would be all that the process does. */
const SHORTEST_MS = 50;

/** The period that is asked for in the environment, milliseconds; undefined where none is, or another process is meant. */
export function watchdogMs(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { WATCHDOG_USEC: microseconds = '', WATCHDOG_PID: whom = '' } = environment;
  if (!/^[1-9]\d{0,17}$/.test(microseconds)) return undefined;
  return whom === '' || whom === String(pid) ? Number(microseconds) / 1_000 : undefined;
}

/** Starts at once; returns the stop, after which no timer is left. */
export function startWatchdog(periodMs: number, { clock, heartbeats, notify }: WatchdogParts): () => void {
  const paceMs = Math.max(SHORTEST_MS, periodMs / 2);
  const tell = (): (() => void) => {
    if (heartbeats.stuck().length === 0) notify('WATCHDOG=1');
    return clock.after(paceMs, () => {
      cancel = tell();
    });
  };
  let cancel = tell();
  return () => {
    cancel();
  };
}
