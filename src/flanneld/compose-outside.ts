// Builds what the outside sees of a daemon: health listener, local API and metrics, and the service manager's words.

import { basename } from 'node:path';
import type { Tell } from '../api/events.js';
import { ApiError } from '../api/errors.js';
import { openApi } from '../api/open.js';
import type { EtcdParts } from '../etcd/client.js';
import type { DaemonHealth } from '../health/daemon-health.js';
import { ListenError } from '../health/errors.js';
import type { Heartbeats } from '../health/heartbeats.js';
import { openHealthListener } from '../health/listener.js';
import { watchHealth } from '../health/watch.js';
import type { Logger } from '../logger.js';
import { lockFile, notifyServiceManager } from '../native.js';
import { LiveView, type ViewParts } from './daemon-view.js';
import { FatalError, UsageError } from './errors.js';
import type { Options } from './flags.js';
import type { NetworkPlan } from './network-options.js';
import { openMetrics, type MetricsSources } from './open-metrics.js';
import type { Stops } from './stops.js';

/** The listener where one is asked for, the log of changes, and the status line of the service manager. */
export async function openHealth(
  options: Options,
  parts: EtcdParts & {
    readonly health: DaemonHealth;
    readonly heartbeats: Heartbeats;
    readonly notify: (state: string) => void;
    readonly tell: Tell;
  },
  stops: Stops,
): Promise<void> {
  const { health, notify, tell } = parts;
  stops.add(
    'health',
    watchHealth(health, {
      ...parts,
      onStatus: (text) => {
        notify(`STATUS=${text}`);
      },
      onChange: (network, text) => {
        tell({ type: 'health', network, text });
      },
    }),
  );
  if (options['healthz-port'] === 0) return;
  try {
    const at = { ip: options['healthz-ip'], port: options['healthz-port'] };
    const listener = await openHealthListener(at, parts);
    stops.add('health listener', () => listener.stop());
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    throw new FatalError('health-listener', error.message, { cause: error });
  }
}

/** sd_notify(3); without a NOTIFY_SOCKET nobody listens. */
export function serviceManager(path: string | undefined, logger: Logger): (state: string) => void {
  if (path === undefined || path === '') return () => undefined;
  return (state) => {
    try {
      notifyServiceManager(path, state);
    } catch (error) {
      logger.warn('the service manager cannot be told', { state, file: path, err: error });
    }
  };
}

interface OutsideParts extends Pick<MetricsSources, 'store'> {
  readonly heartbeats: Heartbeats;
}

/** The local API on its unix socket, and over TCP where that is asked for. Rejects with UsageError and FatalError. */
export async function openOutside(
  plan: NetworkPlan,
  parts: Omit<ViewParts, 'pid'> & EtcdParts & OutsideParts,
  stops: Stops,
): Promise<void> {
  const { options } = parts;
  const view = new LiveView({ ...parts, pid: process.pid });
  const at = { ip: options['api-ip'], port: options['api-port'], name: nameOf(plan) };
  const place = { socket: options.socket, group: options['socket-group'] };
  const metrics = openMetrics({ ...parts, view });
  const lock = (path: string): { close(): void } => lockFile(path, `${process.pid}\n`);
  try {
    const api = await openApi({ ...at, ...place }, { ...parts, view, lock, metrics });
    stops.add('local API', () => api.stop());
  } catch (error) {
    if (error instanceof ApiError) throw new UsageError(`-socket-group: ${error.message}`);
    if (!(error instanceof ListenError)) throw error;
    throw new FatalError('api-listener', error.message, { cause: error });
  }
}

/** What a second daemon on this host is told apart by. */
function nameOf({ named, networksPrefix }: NetworkPlan): string {
  return named[0]?.name ?? basename(networksPrefix ?? 'networks');
}
