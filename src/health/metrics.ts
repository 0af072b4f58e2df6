// The metrics as Prometheus reads them: put together when they are asked for, from what the daemon shows of itself. Nothing
// is collected in between, and the library that writes them is loaded at the first scrape. Who may ask is the server's.

import type { DaemonDocument } from '../api/model.js';
import type { DaemonView } from '../api/view.js';
import type { CounterName } from '../counters.js';
import type { Heartbeats } from './heartbeats.js';
import { ALL_METRICS, counterMetric } from './metrics-table.js';
import type { NetworkNumbers } from './network-numbers.js';
import { addNetwork } from './network-samples.js';
import { addPeers, PeerBudget } from './peer-samples.js';
import { HEALTH_STATES } from './reasons.js';
import { Samples } from './samples.js';
import type { StoreTimes } from './store-times.js';

interface ProcessNumbers {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
}

export interface MetricsParts {
  readonly view: Pick<DaemonView, 'status' | 'health' | 'peers' | 'leases' | 'counters'>;
  readonly heartbeats: Pick<Heartbeats, 'report' | 'lag'>;
  readonly store: Pick<StoreTimes, 'answered' | 'answeredAt' | 'failed'>;
  /** Undefined while the network of this name does not run. */
  readonly numbers: (network: string) => NetworkNumbers | undefined;
  readonly process: () => ProcessNumbers;
  readonly nodeVersion: string;
}

/** The text of one scrape, in format 0.0.4, whenever the returned function is called. */
export function createMetrics(parts: MetricsParts): () => Promise<string> {
  return async () => {
    // The part of the library that is needed: the whole of it would cost 11 MiB.
    const { default: Registry } = await import('prom-client/lib/registry.js');
    const registry = new Registry();
    const samples = collect(parts);
    for (const [name, { type, help }] of Object.entries(ALL_METRICS)) {
      const metric = { name, type, help, values: samples.of(name) };
      registry.registerMetric({ name, get: () => Promise.resolve(metric) });
    }
    return registry.metrics();
  };
}

function collect(parts: MetricsParts): Samples {
  const samples = new Samples();
  const { view, numbers } = parts;
  const status = view.status();
  addDaemon(samples, parts, status);
  addLoops(samples, parts);
  addStore(samples, parts);
  const budget = new PeerBudget();
  for (const network of status.networks) {
    const { name } = network;
    addNetwork(samples, network, view.leases(name) ?? [], numbers(name));
    if (network.running !== undefined) addPeers(samples, name, view.peers(name) ?? [], budget);
  }
  for (const [name, value] of Object.entries(view.counters()))
    samples.addAs(counterMetric(name as CounterName), { labels: {}, value });
  return samples;
}

function addDaemon(
  samples: Samples,
  { nodeVersion, process }: MetricsParts,
  { version, startedAt, state, networks, probe }: DaemonDocument,
): void {
  const { cpuSeconds, residentBytes, heapBytes } = process();
  samples.add('flanneld_build_info', { version, node_version: nodeVersion }, 1);
  samples.add('flanneld_start_time_seconds', {}, Date.parse(startedAt) / 1_000);
  for (const one of HEALTH_STATES) samples.add('flanneld_state', { state: one }, Number(one === state));
  samples.add('flanneld_networks', {}, networks.length);
  samples.add('flanneld_process_cpu_seconds_total', {}, cpuSeconds);
  samples.add('flanneld_process_resident_memory_bytes', {}, residentBytes);
  samples.add('flanneld_process_heap_bytes', {}, heapBytes);
  samples.add('flanneld_probe_enabled', {}, Number(probe.state === 'on'));
}

function addLoops(samples: Samples, { heartbeats }: MetricsParts): void {
  samples.histogram('flanneld_event_loop_lag_seconds', heartbeats.lag);
  // Several loops of the daemon itself may have one name.
  const loops = new Map<string, { readonly network: string; readonly loop: string; stuck: boolean }>();
  for (const { network = '', loop, stuck } of heartbeats.report()) {
    const key = JSON.stringify([network, loop]);
    loops.set(key, { network, loop, stuck: stuck || loops.get(key)?.stuck === true });
  }
  for (const { network, loop, stuck } of loops.values())
    samples.add('flanneld_loop_stuck', { network, loop }, Number(stuck));
}

function addStore(samples: Samples, { store }: MetricsParts): void {
  samples.histogram('flanneld_store_request_duration_seconds', store.answered);
  samples.add('flanneld_store_request_failures_total', {}, store.failed);
  if (store.answeredAt !== undefined)
    samples.add('flanneld_store_last_answer_timestamp_seconds', {}, store.answeredAt / 1_000);
}
