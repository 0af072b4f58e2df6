// THE table of checks, in the order in which they are shown; docs/doctor.md comes from it.

import type { Check } from './check.js';
import { DAEMON_CHECKS } from './checks-daemon.js';
import { HOST_CHECKS } from './checks-host.js';
import { MANAGER_CHECKS } from './checks-managers.js';
import { PEER_CHECKS } from './checks-peers.js';
import { STORE_CHECKS } from './checks-store.js';
import { TRAFFIC_CHECKS } from './checks-traffic.js';

export const CHECKS: readonly Check[] = [
  ...DAEMON_CHECKS,
  ...STORE_CHECKS,
  ...PEER_CHECKS,
  ...TRAFFIC_CHECKS,
  ...MANAGER_CHECKS,
  ...HOST_CHECKS,
];
