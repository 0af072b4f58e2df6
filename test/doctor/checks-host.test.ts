// Checks of what the host has to have.

import type { PrivilegeFacts } from '../../src/doctor/facts.js';
import { HEALTHY, daemon, daemons, network, peer, probed } from './scene.js';
import { testRows } from './rows.js';

const { modules, rules, settings, neighbours } = HEALTHY;
const guess = { name: '', source: 'guess', backend: 'vxlan', device: 'flannel.1', port: 8472 } as const;
const setting = (name: string, value: string | undefined): ReadonlyMap<string, string> => {
  const changed = new Map(settings);
  if (value === undefined) changed.delete(name);
  else changed.set(name, value);
  return changed;
};
const unlisted = { ...rules, listError: 'nft may not list' };

testRows('kernel-modules', [
  { title: 'what is loaded is there', status: 'ok', seen: /^vxlan is there$/ },
  {
    title: 'what can be loaded is as good',
    facts: { modules: { ...modules, vxlan: 'loadable' } },
    status: 'ok',
    seen: /^vxlan can be loaded/,
  },
  {
    title: 'what the kernel lacks fails with the command',
    facts: { modules: { ...modules, vxlan: 'absent' } },
    status: 'fail',
    seen: /no vxlan: the backend vxlan cannot make its device/,
    remedy: /`modprobe vxlan`/,
  },
  {
    title: 'what cannot be seen is a warning',
    facts: { modules: { ...modules, nf_tables: 'unknown' }, rules: unlisted },
    status: 'warn',
    seen: /nf_tables cannot be seen/,
    remedy: /modprobe nf_tables/,
  },
  {
    title: 'rules that can be listed show nf_tables',
    facts: { modules: { ...modules, nf_tables: 'unknown' } },
    status: 'ok',
    seen: /nf_tables is there/,
  },
  {
    title: 'tun is not missed where no network is udp',
    facts: { modules: { ...modules, tun: 'absent' } },
    status: 'ok',
    seen: /vxlan/,
  },
  {
    title: 'before the installation both kinds of device are looked for',
    facts: { modules: { ...modules, tun: 'absent' }, places: [guess] },
    status: 'fail',
    seen: /no tun/,
    remedy: /modprobe tun/,
  },
  {
    title: 'skipped with the reason',
    facts: { modules: '/proc is not there' },
    status: 'skip',
    seen: /proc is not there/,
  },
]);

testRows('tools', [
  { title: 'both are there', status: 'ok', seen: /^nft 1\.0\.6$/ },
  {
    title: 'without nft there is no peer filter',
    facts: { rules: { ...rules, nft: { error: 'nft is not installed' } } },
    status: 'warn',
    seen: /no peer filter/,
    remedy: /apt-get install nftables/,
  },
  {
    title: 'without iptables nft is enough',
    facts: { rules: { ...rules, iptables: { error: 'not installed', legacy: false } } },
    status: 'ok',
    seen: /nft is enough/,
  },
  {
    title: 'without both there are no rules',
    facts: { rules: { ...rules, nft: { error: 'x' }, iptables: { error: 'y', legacy: false } } },
    status: 'fail',
    seen: /no traffic rules/,
    remedy: /apt-get install/,
  },
  { title: 'skipped with the reason', facts: { rules: 'no answer' }, status: 'skip', seen: /no answer/ },
]);

const effective = (bits: bigint, byUser = false): PrivilegeFacts => ({
  processes: [{ who: 'flanneld (pid 100)', effective: bits, byUser }],
});

testRows('capabilities', [
  { title: 'all are there', status: 'ok', seen: /has CAP_NET_ADMIN, CAP_NET_RAW/ },
  {
    title: 'without NET_ADMIN nothing can be made',
    facts: { privileges: effective(1n << 13n) },
    status: 'fail',
    seen: /lacks CAP_NET_ADMIN/,
    remedy: /AmbientCapabilities=CAP_NET_ADMIN/,
  },
  {
    title: 'without NET_RAW peers are not probed',
    facts: { privileges: effective(1n << 12n) },
    status: 'warn',
    seen: /lacks CAP_NET_RAW/,
    remedy: /CAP_NET_RAW/,
  },
  {
    title: 'a port below 1024 takes one more',
    facts: { daemons: daemons({ ...daemon(), options: { 'healthz-port': 80 } }) },
    status: 'fail',
    seen: /CAP_NET_BIND_SERVICE/,
    remedy: /AmbientCapabilities/,
  },
  {
    title: 'skipped for a user before there is a daemon',
    facts: { privileges: effective(0n, true) },
    status: 'skip',
    seen: /not run by root/,
  },
  { title: 'skipped with the reason', facts: { privileges: 'EACCES' }, status: 'skip', seen: /EACCES/ },
]);

testRows('forwarding', [
  { title: 'on', status: 'ok', seen: /ip_forward is 1/ },
  {
    title: 'off',
    facts: { settings: setting('net/ipv4/ip_forward', '0') },
    status: 'fail',
    seen: /ip_forward is 0/,
    remedy: /`sysctl -w net\.ipv4\.ip_forward=1`/,
  },
  {
    title: 'off on the device alone',
    facts: { settings: setting('net/ipv4/conf/flannel.1/forwarding', '0') },
    status: 'fail',
    seen: /flannel\.1 does not forward/,
    remedy: /sysctl -w net\/ipv4\/conf\/flannel\.1\/forwarding=1/,
  },
  {
    title: 'skipped where it cannot be read',
    facts: { settings: new Map() },
    status: 'skip',
    seen: /cannot be read/,
  },
]);

testRows('rp-filter', [
  { title: 'loose or off', status: 'ok', seen: /eth0: loose/ },
  {
    title: 'strict',
    facts: { settings: setting('net/ipv4/conf/all/rp_filter', '1') },
    status: 'warn',
    seen: /flannel\.1: strict/,
    remedy: /rp_filter=2/,
  },
  {
    title: 'skipped before there is a device',
    facts: { settings: new Map() },
    status: 'skip',
    seen: /not there yet/,
  },
]);

testRows('bridge-filter', [
  { title: 'on', status: 'ok', seen: /is 1/ },
  {
    title: 'off',
    facts: { settings: setting('net/bridge/bridge-nf-call-iptables', '0') },
    status: 'warn',
    seen: /is 0/,
    remedy: /sysctl -w net\.bridge/,
  },
  {
    title: 'not loaded',
    facts: { settings: setting('net/bridge/bridge-nf-call-iptables', undefined) },
    status: 'warn',
    seen: /absent/,
    remedy: /modprobe br_netfilter/,
  },
  { title: 'skipped with the reason', facts: { settings: 'EIO' }, status: 'skip', seen: /EIO/ },
]);

const many = Array.from({ length: 2_000 }, (_, index) => peer((index % 250) + 1, probed('reachable')));
testRows('neighbour-table', [
  { title: 'roomy', status: 'ok', seen: /20 entries, 1 peers, and gc_thresh3 is 1024/ },
  {
    title: 'too small for the peers',
    facts: { daemons: daemons(daemon([network()], new Map([['blue', { peers: many, leases: [] }]]))) },
    status: 'fail',
    seen: /2000 peers/,
    remedy: /gc_thresh3=8192/,
  },
  {
    title: 'was full',
    facts: { neighbours: { ...neighbours, full: 3 } },
    status: 'warn',
    seen: /was full 3 times/,
    remedy: /gc_thresh3=1024/,
  },
  {
    title: 'nearly full',
    facts: { neighbours: { ...neighbours, entries: 1_000 } },
    status: 'warn',
    seen: /nearly full/,
    remedy: /gc_thresh3=2048/,
  },
  {
    title: 'skipped in a namespace that does not show the limit',
    facts: { neighbours: { entries: 2, full: 0 } },
    status: 'skip',
    seen: /does not show/,
  },
]);
