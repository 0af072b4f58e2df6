// What a daemon shows of itself: the interface between the API's server and the daemon behind it.
// Everything is told from memory, at the moment of asking, and nothing here waits for etcd or the kernel.

import type { HealthReport } from '../health/daemon-health.js';
import type { JsonValue } from '../json.js';
import type { EventLog } from './events.js';
import type { DaemonDocument, LeaseDocument, PeerDocument } from './model.js';

export interface DaemonView {
  readonly events: Pick<EventLog, 'follow'>;
  status(): DaemonDocument;
  /** For /readyz and the metrics. */
  health(): HealthReport;
  /** Undefined for a network there is none of; empty while it does not run. */
  peers(network: string): readonly PeerDocument[] | undefined;
  leases(network: string): readonly LeaseDocument[] | undefined;
  /** What is wanted of the kernel (kernel/wanted.ts), as JSON; null while the network does not run. */
  wanted(network: string): JsonValue | undefined;
  /** The flags, secrets left out. */
  options(): JsonValue;
  counters(): Readonly<Record<string, number>>;
  /** As -v: 0 to 10. */
  logLevel(): number;
  setLogLevel(level: number): void;
}
