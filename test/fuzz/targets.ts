// The table of fuzz targets: what crosses a trust boundary, a row each. A new reader of foreign bytes is a new row.

import type { Target } from './target.js';
import { BACKEND_TARGETS } from './targets/backends.js';
import { COMMAND_LINE_TARGETS } from './targets/command-line.js';
import { ETCD_SERVER_TARGETS } from './targets/etcd-server.js';
import { ETCD_WIRE_TARGETS } from './targets/etcd-wire.js';
import { IPTABLES_TARGETS } from './targets/iptables.js';
import { NETLINK_CONNECTION_TARGETS } from './targets/netlink-connection.js';
import { NETLINK_READ_TARGETS } from './targets/netlink-read.js';
import { NFTABLES_TARGETS } from './targets/nftables.js';
import { PEER_TARGETS } from './targets/peers.js';
import { SUBNET_ENV_TARGETS } from './targets/subnet-env.js';
import { SUBNET_TARGETS } from './targets/subnet.js';

export const TARGETS: readonly Target[] = [
  ...SUBNET_TARGETS,
  ...PEER_TARGETS,
  ...BACKEND_TARGETS,
  ...SUBNET_ENV_TARGETS,
  ...NETLINK_READ_TARGETS,
  ...NETLINK_CONNECTION_TARGETS,
  ...NFTABLES_TARGETS,
  ...IPTABLES_TARGETS,
  ...ETCD_WIRE_TARGETS,
  ...ETCD_SERVER_TARGETS,
  ...COMMAND_LINE_TARGETS,
];
