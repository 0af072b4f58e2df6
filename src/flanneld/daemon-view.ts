// What the daemon shows of itself (api/view.ts), put together from its networks, their health and its counters when it is
// asked for. The documents of one network are network-view.ts.

import type { EventLog } from '../api/events.js';
import {
  API_VERSION,
  type DaemonDocument,
  type LeaseDocument,
  type PeerDocument,
  type ProbeDocument,
} from '../api/model.js';
import type { DaemonView } from '../api/view.js';
import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { DaemonHealth, HealthReport } from '../health/daemon-health.js';
import type { JsonValue } from '../json.js';
import type { PeerProbe } from '../probe/probe.js';
import { redacted, type Options } from './flags.js';
import type { LiveNetworks } from './live-networks.js';
import type { LogOptions } from './log.js';
import type { NodeFacts } from './network-setup.js';
import { leaseDocuments, networkDocument, peerDocuments, type ViewedNetwork } from './network-view.js';

/** The mesh probe's results, by the key of the peer's lease; absent where there is no probe. */
export interface Probes {
  readonly state: ProbeDocument;
  report(network: string): ReadonlyMap<string, PeerProbe>;
}

/** For a daemon that probes nobody. */
export const NO_PROBES: Probes = {
  state: { state: 'off', intervalSeconds: 0, reason: 'it was not asked for (-probe-interval)' },
  report: () => new Map(),
};

export interface ViewParts {
  readonly clock: Pick<Clock, 'now' | 'boottime'>;
  readonly version: string;
  readonly pid: number;
  readonly node: NodeFacts;
  readonly options: Options;
  /** Where etcd is, without what is secret. */
  readonly endpoints: readonly string[];
  readonly health: Pick<DaemonHealth, 'report'>;
  readonly live: LiveNetworks;
  readonly events: EventLog;
  readonly counters: Pick<Counters, 'all'>;
  /** The logger's, whose verbosity can be set. */
  readonly log: Pick<LogOptions, 'verbosity'>;
  readonly probes: Probes;
}

export class LiveView implements DaemonView {
  readonly #parts: ViewParts;
  readonly #startedAt: string;

  /** The daemon has started now. */
  constructor(parts: ViewParts) {
    this.#parts = parts;
    this.#startedAt = new Date(parts.clock.now()).toISOString();
  }

  get events(): EventLog {
    return this.#parts.events;
  }

  status(): DaemonDocument {
    const { version, pid, node, live, log, probes } = this.#parts;
    const { state, networks } = this.health();
    return {
      apiVersion: API_VERSION,
      version,
      pid,
      startedAt: this.#startedAt,
      nodeId: node.nodeId,
      host: node.host,
      state,
      logLevel: log.verbosity,
      probe: probes.state,
      networks: networks.flatMap((report) => {
        const network = live.get(report.name);
        return network === undefined ? [] : [networkDocument(report, this.#viewed(network))];
      }),
    };
  }

  health(): HealthReport {
    return this.#parts.health.report();
  }

  peers(network: string): readonly PeerDocument[] | undefined {
    const live = this.#parts.live.get(network);
    return live === undefined ? undefined : peerDocuments(this.#viewed(live));
  }

  leases(network: string): readonly LeaseDocument[] | undefined {
    const live = this.#parts.live.get(network);
    return live === undefined ? undefined : leaseDocuments(live);
  }

  wanted(network: string): JsonValue | undefined {
    const live = this.#parts.live.get(network);
    if (live === undefined) return undefined;
    const { running } = live;
    return running === undefined ? null : asJson({ ...running.reconciler.wanted });
  }

  options(): JsonValue {
    return asJson(redacted(this.#parts.options));
  }

  counters(): Readonly<Record<string, number>> {
    return this.#parts.counters.all();
  }

  logLevel(): number {
    return this.#parts.log.verbosity;
  }

  setLogLevel(level: number): void {
    this.#parts.log.verbosity = level;
    this.#parts.events.tell({ type: 'daemon', text: `the log level is ${level} now` });
  }

  #viewed(network: ViewedNetwork['network']): ViewedNetwork {
    const { clock, endpoints, probes } = this.#parts;
    return { network, clock, endpoints, probes: probes.report(network.named.name) };
  }
}

/** Plain data; sets become lists, and big numbers text. */
function asJson(value: object): JsonValue {
  const text = JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Set) return [...(part as ReadonlySet<unknown>)];
    return typeof part === 'bigint' ? String(part) : part;
  });
  return JSON.parse(text) as JsonValue;
}
