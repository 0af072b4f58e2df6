// Ties the metrics to the daemon: what its networks count, and what the process itself uses.

import { createMetrics, type MetricsParts } from '../health/metrics.js';
import type { LiveNetworks } from './live-networks.js';
import { numbersOf } from './network-numbers.js';

export interface MetricsSources extends Pick<MetricsParts, 'view' | 'heartbeats' | 'store'> {
  readonly live: Pick<LiveNetworks, 'get'>;
}

/** The text of one scrape, whenever it is called. */
export function openMetrics({ live, ...parts }: MetricsSources): () => Promise<string> {
  return createMetrics({
    ...parts,
    numbers: (name) => {
      const running = live.get(name)?.running;
      return running === undefined ? undefined : numbersOf(running);
    },
    process: ownNumbers,
    nodeVersion: process.version,
  });
}

function ownNumbers(): ReturnType<MetricsParts['process']> {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpuSeconds: (user + system) / 1e6, residentBytes: rss, heapBytes: heapUsed };
}
