// THE table of what can keep a network from being ready: one row a reason; the table in docs/health.md comes from it.
// Whether a reason holds is said by whoever knows (network-health.ts takes it in); nothing here looks.

/** What a reason makes of a network that has no worse one. */
export type HealthLevel = 'degraded' | 'not-ready';
export type HealthState = 'ready' | HealthLevel;
export const HEALTH_STATES: readonly HealthState[] = ['ready', 'degraded', 'not-ready'];

interface Row {
  readonly level: HealthLevel;
  /** A clause that "for 40 s" and details in parentheses can follow. */
  readonly meaning: string;
  /** A degraded network is not ready once the reason has held for so long. */
  readonly notReadyAfterMs?: number;
}

/** Codes are read by programs and do not change; within a level, what stands first is told first. */
export const HEALTH_REASONS = {
  'identity-refused': {
    level: 'not-ready',
    meaning: 'another live node has our id or our public address',
  },
  'lease-expired': { level: 'not-ready', meaning: 'the lease of our subnet has expired' },
  'waiting-for-config': { level: 'not-ready', meaning: 'there is no network config that can be used' },
  'waiting-for-lease': { level: 'not-ready', meaning: 'no subnet is leased' },
  failed: { level: 'not-ready', meaning: 'the network has stopped' },
  starting: { level: 'not-ready', meaning: 'the network is being set up' },
  'no-peer-answers': { level: 'not-ready', meaning: 'there are peers, and none of them is reached' },
  'wanted-differs': {
    level: 'degraded',
    meaning: 'the kernel is not as wanted',
    notReadyAfterMs: 5_000,
  },
  'forward-dropped': {
    level: 'degraded',
    meaning: 'a firewall rule of somebody else drops what the overlay forwards',
  },
  'rules-differ': { level: 'degraded', meaning: 'the traffic rules are not as wanted' },
  'setting-refused': {
    level: 'degraded',
    meaning: 'a setting of our device cannot be made, traffic flows without it',
  },
  'config-refused': {
    level: 'degraded',
    meaning: 'a changed network config is refused, the network goes on as it was',
  },
  'config-gone': { level: 'degraded', meaning: 'the network config is gone from etcd, the network goes on' },
  leaving: { level: 'degraded', meaning: 'the network was deleted and is being left' },
  'lease-late': { level: 'degraded', meaning: 'the renewal of the lease is late' },
  'store-unreachable': { level: 'degraded', meaning: 'etcd is not reachable' },
  'from-snapshot': { level: 'degraded', meaning: 'config, lease and peers are those of the last snapshot' },
  'peers-held': {
    level: 'degraded',
    meaning: 'peers that vanished together are kept until that is confirmed',
  },
  'tunnel-filtered': {
    level: 'degraded',
    meaning: 'peers answer beside the tunnel and not through it',
  },
  'peers-silent': { level: 'degraded', meaning: 'some peers do not answer' },
  'path-mtu': { level: 'degraded', meaning: 'small packets reach some peers and full ones do not' },
  'address-lost': { level: 'degraded', meaning: 'the public address is gone from its interface' },
  'state-unusable': { level: 'degraded', meaning: 'the state folder cannot be used' },
} as const satisfies Record<string, Row>;

export type HealthReasonCode = keyof typeof HEALTH_REASONS;

const CODES = Object.keys(HEALTH_REASONS) as readonly HealthReasonCode[];
const RANK: Readonly<Record<HealthState, number>> = { ready: 0, degraded: 1, 'not-ready': 2 };

/** What holds of a network at one moment. */
export interface HealthReason {
  readonly code: HealthReasonCode;
  readonly level: HealthLevel;
  /** One printable line on this very case; may be empty. */
  readonly details: string;
  /** Since when, on the boottime clock. */
  readonly sinceMs: number;
  /** For how many whole seconds. */
  readonly seconds: number;
}

/** When a reason that holds since `sinceMs` makes the network not ready; Infinity for never by time alone. */
export function escalationOf(code: HealthReasonCode, sinceMs: number): number {
  const row: Row = HEALTH_REASONS[code];
  return sinceMs + (row.notReadyAfterMs ?? Infinity);
}

/** The level at `now` of a reason that holds since `sinceMs`. */
export function levelOf(code: HealthReasonCode, sinceMs: number, now: number): HealthLevel {
  return now >= escalationOf(code, sinceMs) ? 'not-ready' : HEALTH_REASONS[code].level;
}

/** For sorting: the worst first, then as in the table. */
export function byWeight(a: HealthReason, b: HealthReason): number {
  return RANK[b.level] - RANK[a.level] || CODES.indexOf(a.code) - CODES.indexOf(b.code);
}

/** The reason as people read it, `lasted` (such as " for 40 s") put where it belongs. */
export function reasonText({ code, details }: HealthReason, lasted = ''): string {
  const { meaning } = HEALTH_REASONS[code];
  return `${meaning}${lasted}${details === '' ? '' : ` (${details})`}`;
}

/** The worst of several states; ready when there is none. */
export function worst(states: Iterable<HealthState>): HealthState {
  let found: HealthState = 'ready';
  for (const state of states) if (RANK[state] > RANK[found]) found = state;
  return found;
}
