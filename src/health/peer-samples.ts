// The metrics of a network's peers: of all of them together always, and of each by itself while they are few. Pure.

import type { PeerDocument } from '../api/model.js';
import type { PathProbe, PeerVerdict } from '../probe/probe.js';
import type { Samples } from './samples.js';

const VERDICTS: readonly PeerVerdict[] = ['unknown', 'reachable', 'unreachable', 'filtered', 'path-mtu'];
const PATHS = ['overlay', 'underlay'] as const;
/** Every one of them is up to nine series in somebody's database, on every host. */
const DETAILED_PEERS = 200;

/** How many peers of all networks together are told one by one. */
export class PeerBudget {
  #left = DETAILED_PEERS;

  /** Whether so many more are within it; all or none. */
  take(count: number): boolean {
    if (count > this.#left) return false;
    this.#left -= count;
    return true;
  }
}

export function addPeers(
  samples: Samples,
  network: string,
  peers: readonly PeerDocument[],
  budget: PeerBudget,
): void {
  for (const verdict of VERDICTS) {
    const count = peers.filter(({ probe }) => (probe?.verdict ?? 'unknown') === verdict).length;
    samples.add('flanneld_peers', { network, verdict }, count);
  }
  for (const path of PATHS) {
    const probes = peers
      .flatMap(({ probe }) => probe?.[path] ?? [])
      .filter(({ state }) => state !== 'unknown');
    addTogether(samples, { network, path }, probes);
  }
  const isDetailed = budget.take(peers.length);
  samples.add('flanneld_peers_detailed', { network }, Number(isDetailed));
  if (isDetailed) for (const peer of peers) addPeer(samples, network, peer);
}

function addTogether(
  samples: Samples,
  labels: { readonly network: string; readonly path: string },
  probes: readonly PathProbe[],
): void {
  if (probes.length === 0) return;
  const loss = probes.reduce((sum, probe) => sum + probe.loss, 0) / probes.length;
  samples.add('flanneld_peers_loss_ratio', labels, loss);
  const times = probes
    .flatMap(({ state, rttMs }) => (state === 'answers' ? (rttMs ?? []) : []))
    .sort((a, b) => a - b);
  const [median, longest] = [times[Math.floor(times.length / 2)], times.at(-1)];
  if (median === undefined || longest === undefined) return;
  samples.add('flanneld_peers_rtt_median_seconds', labels, median / 1_000);
  samples.add('flanneld_peers_rtt_max_seconds', labels, longest / 1_000);
}

function addPeer(samples: Samples, network: string, { subnet, probe, traffic }: PeerDocument): void {
  const peer = { network, peer: subnet };
  if (probe !== undefined && probe.verdict !== 'unknown')
    samples.add('flanneld_peer_reachable', peer, Number(probe.verdict === 'reachable'));
  for (const path of PATHS) {
    const { state, rttMs, loss } = probe?.[path] ?? { state: 'unknown', loss: 0 };
    if (state === 'unknown') continue;
    samples.add('flanneld_peer_loss_ratio', { ...peer, path }, loss);
    if (state === 'answers' && rttMs !== undefined)
      samples.add('flanneld_peer_rtt_seconds', { ...peer, path }, rttMs / 1_000);
  }
  if (traffic === undefined) return;
  samples.add('flanneld_peer_sent_packets_total', peer, traffic.sentPackets);
  samples.add('flanneld_peer_sent_bytes_total', peer, traffic.sentBytes);
  samples.add('flanneld_peer_received_packets_total', peer, traffic.receivedPackets);
  samples.add('flanneld_peer_received_bytes_total', peer, traffic.receivedBytes);
}
