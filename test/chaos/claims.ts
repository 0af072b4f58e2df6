// What a fault takes for itself, so that two that would make nonsense of each other do not happen at the same time.
// Pure.

import { byKind, type ByKind, type Fault } from './faults.js';

const daemon = (host: number): string => `daemon ${host}`;
const lease = (host: number): string => `lease ${host}`;
const store = (host: number): string => `store of ${host}`;
/** One at a time, so that only an outage takes the majority. */
const ETCD = 'etcd';
const EVERY_HOST = [...Array(20).keys()];

const CLAIMS: ByKind<readonly string[]> = {
  'daemon-kill': ({ host }) => [daemon(host)],
  'daemon-freeze': ({ host }) => [daemon(host)],
  'etcd-kill': () => [ETCD],
  'etcd-freeze': () => [ETCD],
  'etcd-split': () => [ETCD],
  'etcd-outage': () => [ETCD],
  'cut-store': ({ host }) => [store(host)],
  'compact-behind': ({ host }) => [store(host)],
  'cut-peers': ({ host, peers }) => peers.map((peer) => `between ${[host, peer].sort().join(' and ')}`),
  'lease-revoke': ({ host }) => [lease(host)],
  'lease-delete': ({ host }) => [lease(host)],
  'lease-corrupt': ({ host }) => [lease(host)],
  'lease-usurp': ({ host }) => [lease(host), daemon(host)],
  'link-flap': ({ host }) => [`link ${host}`],
  'kernel-delete': ({ host }) => [`kernel ${host}`],
  // Who can claim what again must be clear while all are gone.
  wipe: () => [ETCD, ...EVERY_HOST.flatMap((host) => [lease(host), daemon(host), store(host)])],
  compact: () => [],
  poison: () => [],
};

/** Names; two faults that share one do not meet. */
export function claims(fault: Fault): readonly string[] {
  return byKind(CLAIMS, fault);
}

/** Whether it is done by writing to etcd, and so is none while etcd is away. */
export function needsStore({ kind }: Fault): boolean {
  return /^(compact|lease|poison|wipe)/.test(kind);
}
