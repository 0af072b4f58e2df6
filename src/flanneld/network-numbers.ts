// Counts, for the metrics, what a running network wants, has and has put right. Pure.

import { countWanted } from '../kernel/census.js';
import type { NetworkNumbers } from '../health/network-numbers.js';
import type { Running } from './live-networks.js';

export function numbersOf({ reconciler, engine }: Pick<Running, 'reconciler' | 'engine'>): NetworkNumbers {
  const { problems, repairs } = reconciler.state;
  const byKind: Record<string, number> = {};
  for (const { kind } of problems) byKind[kind] = (byKind[kind] ?? 0) + 1;
  const dataplane = engine?.stats()?.counters;
  return {
    wanted: countWanted(reconciler.wanted),
    own: reconciler.own,
    problems: byKind,
    repairs,
    ...(dataplane === undefined ? {} : { dataplane }),
  };
}
