// Adds up what several lives of one packet engine have done: the device may be deleted and made anew in between.

import type { Ip } from '../../subnet/cidr.js';
import type { DataplaneStats, PeerTraffic } from '../dataplane.js';

export const NO_STATS: DataplaneStats = { counters: {}, peers: new Map() };

/** Counter by counter and peer by peer; peers of the former life alone are kept. */
export function addStats(before: DataplaneStats, now: DataplaneStats): DataplaneStats {
  const counters = { ...before.counters };
  for (const [name, value] of Object.entries(now.counters)) counters[name] = (counters[name] ?? 0) + value;
  const peers = new Map<Ip, PeerTraffic>(before.peers);
  for (const [peer, traffic] of now.peers) peers.set(peer, addTraffic(peers.get(peer), traffic));
  return { counters, peers };
}

function addTraffic(a: PeerTraffic | undefined, b: PeerTraffic): PeerTraffic {
  if (a === undefined) return b;
  return {
    sentPackets: a.sentPackets + b.sentPackets,
    sentBytes: a.sentBytes + b.sentBytes,
    receivedPackets: a.receivedPackets + b.receivedPackets,
    receivedBytes: a.receivedBytes + b.receivedBytes,
  };
}
