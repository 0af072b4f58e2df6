// Start and stop of the whole daemon as one readable list of steps over injected parts.
// It builds nothing (compose.ts does) and never ends the process (main.ts does).

import type { Logger } from '../logger.js';
import { FatalError } from './errors.js';
import type { NetworkPlan } from './network-options.js';
import { Networks, type NetworksParts } from './networks.js';

export interface DaemonParts extends Omit<NetworksParts, 'onReady'> {
  readonly logger: Logger;
  /** Tells the service manager a state, as sd_notify(3): `READY=1`. */
  readonly notify: (state: string) => void;
  /** Called after READY=1. */
  readonly onReady?: () => void;
}

/**
 * Runs until the signal is aborted. Resolves to the exit code: 0 for a clean stop, 1 when the start cannot succeed,
 * 3 when the lease was lost, 4 when the packet engine cannot go on; the latter two where there is one network alone.
 * Kernel state, leases and env files stay in every case.
 */
export async function runDaemon(parts: DaemonParts, plan: NetworkPlan, signal: AbortSignal): Promise<number> {
  const { logger, notify } = parts;
  signal.addEventListener('abort', () => {
    notify('STOPPING=1');
  });
  const onReady = (): void => {
    notify('READY=1');
    parts.onReady?.();
  };
  try {
    await new Networks({ ...parts, onReady }, plan).run(signal);
    logger.info('stopped; routes, devices, leases and env files stay');
    return 0;
  } catch (error) {
    return exitCode(error, logger);
  }
}

export function exitCode(error: unknown, logger: Logger): number {
  if (error instanceof FatalError) {
    logger.error('giving up', { code: error.code, reason: error.message });
    return error.exitCode;
  }
  logger.error('giving up after an unexpected error', { err: error });
  return 1;
}
