// The report as one line for people and for systemd's STATUS=.
// It says durations so coarsely that it can be sent whenever it changes.

import type { HealthReport } from './daemon-health.js';
import { coarseDuration, nextCoarseStep } from './duration.js';
import type { NetworkReport } from './network-health.js';
import { oneLine } from './one-line.js';
import { reasonText, worst, type HealthReason, type HealthState } from './reasons.js';

/** systemd reads messages of at most 4096 bytes; a character has up to four. */
const LIMIT = 400;

const WORDS: Readonly<Record<HealthState, string>> = {
  ready: 'ready',
  degraded: 'degraded',
  'not-ready': 'not ready',
};

/**
 * `ready: 10.5.9.0/24, 12 peers`, `degraded: etcd is not reachable for 40 s (connection refused)`. Several
 * networks are named, those in the worst state first. No line breaks, at most 400 characters.
 */
export function statusText({ state, networks }: HealthReport): string {
  const several = networks.length > 1;
  const parts = [...networks]
    .sort((a, b) => (a.state === b.state ? 0 : worst([a.state, b.state]) === a.state ? -1 : 1))
    .map((network) =>
      [several ? network.name : '', detailOf(network)].filter((part) => part !== '').join(': '),
    )
    .filter((part) => part !== '');
  return oneLine([WORDS[state], parts.join('; ')].filter((part) => part !== '').join(': '), LIMIT);
}

/** The boottime at which statusText of this report says something else, as long as nothing but time changes. */
export function nextStatusChange({ networks }: HealthReport): number {
  const moments = networks.flatMap(({ reasons }) =>
    reasons.map(({ sinceMs, seconds }) => sinceMs + nextCoarseStep(seconds * 1000)),
  );
  return Math.min(Infinity, ...moments);
}

function detailOf({ summary, reasons }: NetworkReport): string {
  return reasons.length === 0 ? summary : reasons.map(lasting).join(', ');
}

function lasting(reason: HealthReason): string {
  const duration = coarseDuration(reason.seconds * 1000);
  return reasonText(reason, duration === '' ? '' : ` for ${duration}`);
}
