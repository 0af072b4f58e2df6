// What the service manager hears of the process besides its status line: the watchdog's sign of life, that the start takes
// longer for a good reason, and that a reload is under way. How it is told (sd_notify) is compose.ts's.

import type { Clock } from '../clock.js';
import type { DaemonHealth } from '../health/daemon-health.js';
import type { Heartbeats } from '../health/heartbeats.js';
import { startPatience } from '../health/start-patience.js';
import { startWatchdog, watchdogMs } from '../health/watchdog.js';
import { Reload, type ReloadParts } from './reload.js';
import type { Stops } from './stops.js';

export interface ServiceManagerParts extends ReloadParts {
  readonly clock: Pick<Clock, 'after'>;
  readonly health: Pick<DaemonHealth, 'report'>;
  readonly heartbeats: Pick<Heartbeats, 'stuck'>;
  /** WATCHDOG_USEC and WATCHDOG_PID; the process they may be meant for. */
  readonly environment: NodeJS.ProcessEnv;
  readonly pid: number;
}

export interface ServiceEvents {
  /** To be called after READY=1. */
  readonly onReady: () => void;
  /** SIGHUP. */
  readonly onHangup: () => void;
}

/** Starts at once, until the stops run. */
export function followService(parts: ServiceManagerParts, stops: Stops): ServiceEvents {
  const { logger, environment, pid } = parts;
  const reload = new Reload(parts);
  const stopPatience = startPatience(parts);
  stops.add('patience at the start', stopPatience);
  const periodMs = watchdogMs(environment, pid);
  if (periodMs !== undefined) {
    logger.info('the service manager watches this process', { seconds: periodMs / 1_000 });
    stops.add('watchdog', startWatchdog(periodMs, parts));
  }
  return {
    onReady: () => {
      stopPatience();
      reload.ready();
    },
    onHangup: () => {
      reload.request();
    },
  };
}
