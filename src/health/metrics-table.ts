// THE table of metrics: one row a metric; docs/metrics.md comes from it. The counters of counters.ts are rows, too.
// Names follow Prometheus' rules: base units, `_total` for what only grows. What fills them is metrics.ts.

import { COUNTERS, type CounterName } from '../counters.js';

export interface MetricRow {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

const ofNetwork = ['network'] as const;
const ofKind = ['network', 'kind'] as const;
const ofPath = ['network', 'path'] as const;
const ofPeer = ['network', 'peer'] as const;
const ofPeerPath = ['network', 'peer', 'path'] as const;

const gauge = <L extends readonly string[]>(labels: L, help: string): Row<'gauge', L> => ({
  ...{ type: 'gauge', labels, help },
});
const counter = <L extends readonly string[]>(labels: L, help: string): Row<'counter', L> => ({
  ...{ type: 'counter', labels, help },
});
const histogram = (help: string): Row<'histogram', readonly []> => ({ type: 'histogram', labels: [], help });

interface Row<T, L> {
  readonly type: T;
  readonly labels: L;
  readonly help: string;
}

export const METRICS = {
  flanneld_build_info: gauge(['version', 'node_version'] as const, 'always 1; which program this is'),
  flanneld_start_time_seconds: gauge([], 'when the daemon was started, since the epoch'),
  flanneld_state: gauge(
    ['state'] as const,
    '1 for the state the daemon is in: ready, degraded or not-ready; 0 for the others',
  ),
  flanneld_networks: gauge([], 'networks that the daemon runs, or tries to'),
  flanneld_process_cpu_seconds_total: counter([], 'processor time used, by the packet engine, too'),
  flanneld_process_resident_memory_bytes: gauge([], 'memory the process has'),
  flanneld_process_heap_bytes: gauge([], 'memory in use by JavaScript'),
  flanneld_event_loop_lag_seconds: histogram('how late the event loop was, measured once a second'),
  flanneld_loop_stuck: gauge(
    ['network', 'loop'] as const,
    '1 while a loop has been silent for longer than it may; no network for those of the daemon',
  ),
  flanneld_probe_enabled: gauge([], '1 while peers are probed'),
  flanneld_store_request_duration_seconds: histogram('how long etcd took for a request that it answered'),
  flanneld_store_request_failures_total: counter([], 'requests to etcd that failed or were refused'),
  flanneld_store_last_answer_timestamp_seconds: gauge(
    [],
    'when etcd answered last, since the epoch; absent before that',
  ),

  flanneld_network_info: gauge(
    ['network', 'backend', 'subnet', 'public_ip', 'device'] as const,
    'always 1; what a network with a lease is',
  ),
  flanneld_network_state: gauge(
    ['network', 'state'] as const,
    '1 for the state the network is in: ready, degraded or not-ready; 0 for the others',
  ),
  flanneld_network_reason_seconds: gauge(
    ['network', 'code', 'level'] as const,
    'for how long a reason not to be ready has held; absent while it does not',
  ),
  flanneld_network_mtu_bytes: gauge(ofNetwork, 'the largest packet that pods may send'),
  flanneld_lease_remaining_seconds: gauge(
    ofNetwork,
    'until the own lease ends unless it is renewed; infinite for a reservation',
  ),
  flanneld_leases: gauge(['network', 'reserved'] as const, 'leases known, the own one included'),
  flanneld_pool_subnets: gauge(ofNetwork, 'subnets that the network config allows'),
  flanneld_pool_subnets_leased: gauge(ofNetwork, 'subnets of the pool that have a lease'),
  flanneld_store_connected: gauge(ofNetwork, '1 while the leases are followed in etcd'),
  flanneld_store_state_timestamp_seconds: gauge(
    ofNetwork,
    'since when etcd is connected or not, since the epoch',
  ),

  flanneld_kernel_as_wanted: gauge(ofNetwork, '1 when the kernel held all that is wanted at the last look'),
  flanneld_kernel_passes_total: counter(ofNetwork, 'times wanted and actual state were compared'),
  flanneld_kernel_wanted_objects: gauge(ofKind, 'kernel objects that are wanted'),
  flanneld_kernel_own_objects: gauge(ofKind, 'kernel objects of the network that are there'),
  flanneld_kernel_problems: gauge(ofKind, 'wanted objects that could not be made so'),
  flanneld_kernel_repairs_total: counter(
    ofKind,
    'kernel objects put right that somebody else had changed or removed',
  ),

  flanneld_peers: gauge(['network', 'verdict'] as const, 'peers, by what the mesh probe found'),
  flanneld_peers_detailed: gauge(
    ofNetwork,
    '1 when each peer has metrics of its own; 0 when there are too many',
  ),
  flanneld_peers_rtt_median_seconds: gauge(
    ofPath,
    'median of the newest round-trip times of the peers that answer',
  ),
  flanneld_peers_rtt_max_seconds: gauge(ofPath, 'the longest of those'),
  flanneld_peers_loss_ratio: gauge(
    ofPath,
    'part of the newest probes that was not answered, over all probed peers',
  ),
  flanneld_peer_reachable: gauge(
    ofPeer,
    '1 for a peer that pods can reach, 0 for one they cannot; absent before it is known',
  ),
  flanneld_peer_rtt_seconds: gauge(ofPeerPath, 'the newest round-trip time to a peer'),
  flanneld_peer_loss_ratio: gauge(ofPeerPath, 'part of the newest probes of a peer that was not answered'),
  flanneld_peer_sent_packets_total: counter(ofPeer, 'packets sent to a peer by the packet engine'),
  flanneld_peer_sent_bytes_total: counter(ofPeer, 'bytes sent to a peer by the packet engine'),
  flanneld_peer_received_packets_total: counter(ofPeer, 'packets received from a peer by the packet engine'),
  flanneld_peer_received_bytes_total: counter(ofPeer, 'bytes received from a peer by the packet engine'),

  flanneld_dataplane_drops_total: counter(
    ['network', 'reason'] as const,
    'packets that the packet engine did not deliver (docs/udp.md has the reasons)',
  ),
  flanneld_dataplane_sent_packets_total: counter(ofNetwork, 'packets sent to peers by the packet engine'),
  flanneld_dataplane_sent_bytes_total: counter(ofNetwork, 'their bytes, without the outer headers'),
  flanneld_dataplane_sent_calls_total: counter(ofNetwork, 'system calls that sent them'),
  flanneld_dataplane_received_packets_total: counter(ofNetwork, 'packets received from peers and let in'),
  flanneld_dataplane_received_bytes_total: counter(ofNetwork, 'their bytes, without the outer headers'),
  flanneld_dataplane_received_calls_total: counter(ofNetwork, 'system calls that received them'),
  flanneld_dataplane_device_reads_total: counter(ofNetwork, 'packets, large ones too, read from the device'),
  flanneld_dataplane_device_writes_total: counter(
    ofNetwork,
    'packets, large ones too, written to the device',
  ),
  flanneld_dataplane_icmp_sent_total: counter(ofNetwork, 'ICMP errors told to senders behind the device'),
  flanneld_dataplane_gso_refused_total: counter(
    ofNetwork,
    'messages of many packets that the kernel refused, sent one by one',
  ),
  flanneld_dataplane_merge_refused_total: counter(
    ofNetwork,
    'merged packets that the kernel refused, written one by one',
  ),
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;
/** The labels of a metric, all of which each of its samples has. */
export type LabelsOf<N extends MetricName> = Readonly<Record<(typeof METRICS)[N]['labels'][number], string>>;

/** `etcdTlsRenewals` → `etcd_tls_renewals` */
export function snakeCase(camelCase: string): string {
  return camelCase.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The metric of a counter of counters.ts. */
export function counterMetric(name: CounterName): string {
  return `flanneld_${snakeCase(name)}_total`;
}

/** Every metric there is. */
export const ALL_METRICS: Readonly<Record<string, MetricRow>> = {
  ...METRICS,
  ...Object.fromEntries(
    Object.entries(COUNTERS).map(([name, help]) => [counterMetric(name as CounterName), counter([], help)]),
  ),
};
