// What to do about each reason of health: one row a reason, which the compiler holds complete.

import type { HealthReasonCode } from '../health/reasons.js';

export const REASON_REMEDIES: Readonly<Record<HealthReasonCode, string>> = {
  'identity-refused':
    'give each node its own address (-iface, -public-ip) and its own machine-id (`systemd-machine-id-setup`) or -node-id',
  'lease-expired': 'bring etcd back: the same subnet is claimed again if it is free',
  'waiting-for-config':
    '`flanneld networks list` shows what etcd has; put a config: `etcdctl put PREFIX/config …`',
  'waiting-for-lease':
    '`flanneld leases list` shows whose the subnets are, `flanneld leases release` frees one of a node that is gone',
  failed: 'the reason says why; the log says more: `journalctl -u flanneld`',
  starting: 'wait a moment; if it lasts, the log says what it waits for: `journalctl -u flanneld`',
  'no-peer-answers':
    'let the backend’s UDP port and ICMP through between the hosts; `flanneld peers` shows which way each peer is lost',
  'tunnel-filtered': 'let the backend’s UDP port through between the hosts, as the reason names them',
  'peers-silent': 'look whether these hosts are up: `flanneld peers`',
  'path-mtu': 'give all interfaces on the way the same MTU, or set a smaller "MTU" in the network config',
  'wanted-differs': 'remove what stands in the way, as the reason names it: `ip -details link`, `ip route`',
  'forward-dropped': 'let the overlay pass there: the check “firewall at the forward hook” has the command',
  'rules-differ': 'the reason says why; `nft list ruleset` shows what is there',
  'setting-refused':
    'let flanneld write below /proc/sys/net: a container that is not privileged has it read-only; `flanneld status` names the setting',
  'config-refused':
    'put a config that the running network can take over, or restart flanneld: `flanneld networks validate FILE`',
  'config-gone':
    'put the config again: `etcdctl put PREFIX/config …`, or remove the network: `flanneld networks remove`',
  leaving: 'nothing, if its removal is meant; else put the config again: `etcdctl put PREFIX/config …`',
  'lease-late': 'bring etcd back before the lease ends: `flanneld status` says for how long it holds',
  'store-unreachable': 'look whether etcd runs and is reached: `etcdctl endpoint health`',
  'from-snapshot': 'bring etcd back: `etcdctl endpoint health`',
  'peers-held': 'nothing, it is confirmed within a minute; `flanneld leases list` shows what etcd has',
  'address-lost': 'give the interface its address again, or start with another -iface',
  'state-unusable': 'make the folder of -state-dir root’s alone and writable: `ls -ld /var/lib/flannel`',
};
