// Checks of what else on the host has a say in the overlay's packets.

import type { SocketFacts } from '../../src/doctor/facts.js';
import type { Link } from '../../src/kernel/kernel.js';
import { cidr } from '../../src/subnet/cidr.js';
import { testRows } from './rows.js';
import { daemons, ETH0, FLANNEL, HEALTHY, link, PLACE, VXLAN } from './scene.js';

const { rules, kernel } = HEALTHY;
const DROPS =
  'chain forward of table inet foreign drops packets of the overlay 10.5.0.0/16, and no rule elsewhere can overrule it; let them pass with: `nft insert rule inet foreign forward ip saddr 10.5.0.0/16 accept`';

testRows('forward-policy', [
  { title: 'nothing drops', status: 'ok', seen: /no chain drops/ },
  {
    title: 'a foreign chain drops',
    facts: { rules: { ...rules, dropping: new Map([['blue', [DROPS]]]) } },
    status: 'fail',
    seen: /chain forward of table inet foreign drops/,
    remedy: /^`nft insert rule inet foreign forward/,
  },
  {
    title: 'FORWARD of iptables-legacy drops',
    facts: { rules: { ...rules, legacyForward: '-P FORWARD DROP\n' } },
    status: 'fail',
    seen: /FORWARD is DROP/,
    remedy: /iptables-legacy -I FORWARD -s 10\.5\.0\.0\/16 -j ACCEPT/,
  },
  {
    title: 'FORWARD of iptables-legacy drops, and our chain comes before',
    facts: { rules: { ...rules, legacyForward: '-P FORWARD DROP\n-A FORWARD -j FLANNEL-FWD\n' } },
    status: 'ok',
    seen: /no chain drops/,
  },
  {
    title: 'skipped where rules cannot be listed',
    facts: { rules: { ...rules, listError: 'nft may not list the chains' } },
    status: 'skip',
    seen: /nft may not/,
  },
  {
    title: 'skipped before the range is known',
    facts: { places: [{ name: 'blue', source: 'daemon' }] },
    status: 'skip',
    seen: /range/,
  },
]);

const owned = (pid: number, name: string): SocketFacts => ({
  udp: [{ port: 8472, owner: { pid, name } }],
  hidden: false,
});
testRows('udp-port', [
  { title: 'the kernel has it, for our device', status: 'ok', seen: /for flannel\.1/ },
  {
    title: 'the daemon has it',
    facts: { sockets: owned(100, 'node'), kernel: { ...kernel, links: [ETH0] } },
    status: 'ok',
    seen: /the daemon's/,
  },
  {
    title: 'another program has it',
    facts: { sockets: owned(77, 'rival') },
    status: 'fail',
    seen: /held by rival \(pid 77\)/,
    remedy: /ss -ulpn/,
  },
  {
    title: 'nobody has it although a network runs',
    facts: { sockets: { udp: [], hidden: false } },
    status: 'warn',
    seen: /nobody listens/,
    remedy: /flanneld status/,
  },
  {
    title: 'free before the installation',
    facts: {
      sockets: { udp: [], hidden: false },
      places: [{ name: '', source: 'guess', backend: 'vxlan', port: 8472 }],
    },
    status: 'ok',
    seen: /8472 is free/,
  },
  {
    title: 'skipped where owners are hidden',
    facts: { sockets: { udp: [{ port: 8472 }], hidden: true }, kernel: { ...kernel, links: [ETH0] } },
    status: 'skip',
    seen: /root only/,
  },
]);

const links = (...others: readonly Link[]): { kernel: typeof kernel } => ({
  kernel: { ...kernel, links: [ETH0, ...others] },
});
const noDaemon = { daemons: daemons(), places: [{ ...PLACE, source: 'store' as const }] };
testRows('device', [
  { title: 'ours', status: 'ok', seen: /flannel\.1 is ours/ },
  {
    title: 'down',
    facts: links({ ...FLANNEL, up: false }),
    status: 'fail',
    seen: /ours, and down/,
    remedy: /ip link set flannel\.1 up/,
  },
  {
    title: 'the name is on another kind of device',
    facts: links(link('flannel.1', { kind: 'dummy' })),
    status: 'fail',
    seen: /somebody else's \(dummy\)/,
    remedy: /ip link delete flannel\.1/,
  },
  {
    title: 'another device has our VNI and port',
    facts: links(link('vx7', { kind: 'vxlan', vxlan: VXLAN })),
    status: 'fail',
    seen: /vx7 has VNI 1 at port 8472/,
    remedy: /ip link delete vx7/,
  },
  {
    title: 'gone',
    facts: links(),
    status: 'fail',
    seen: /there is no flannel\.1/,
    remedy: /flanneld status/,
  },
  {
    title: 'of another network of ours',
    facts: links({ ...FLANNEL, alias: 'flanneld:red' }),
    status: 'fail',
    seen: /belongs to network red/,
    remedy: /another VNI/,
  },
  {
    title: 'left by upstream, before ours starts',
    facts: { ...noDaemon, ...links(link('flannel.1', { kind: 'vxlan', vxlan: VXLAN })) },
    status: 'warn',
    seen: /upstream's, or left by it/,
    remedy: /takes it over/,
  },
  {
    title: 'the name is free before the start',
    facts: { ...noDaemon, ...links() },
    status: 'ok',
    seen: /name flannel\.1 is free/,
  },
  { title: 'skipped with the reason', facts: { kernel: 'EPERM' }, status: 'skip', seen: /EPERM/ },
]);

const address = (text: string, index: number): (typeof kernel.addresses)[number] => ({
  link: index,
  address: cidr(text),
  scope: 0,
  deprecated: false,
  temporary: false,
  permanent: true,
});
const route = (dst: string, index: number): (typeof kernel.routes)[number] => ({
  dst: cidr(dst),
  table: 254,
  metric: 0,
  protocol: 4,
  type: 'unicast',
  scope: 0,
  link: index,
  onlink: false,
});
testRows('range', [
  { title: 'ours alone', status: 'ok', seen: /nobody else/ },
  {
    title: 'the bridge of our pods is no stranger',
    facts: {
      kernel: { ...kernel, addresses: [address('10.5.9.1/24', 2)], routes: [route('10.5.9.0/24', 2)] },
    },
    status: 'ok',
    seen: /nobody else/,
  },
  {
    title: 'an interface has an address in it',
    facts: { kernel: { ...kernel, addresses: [address('10.5.77.1/24', 2)] } },
    status: 'fail',
    seen: /eth0 has 10\.5\.77\.1\/24/,
    remedy: /another "Network"/,
  },
  {
    title: 'a route leads into it',
    facts: { kernel: { ...kernel, routes: [route('10.5.64.0/18', 2)] } },
    status: 'warn',
    seen: /leads 10\.5\.64\.0\/18 to eth0/,
    remedy: /ip route delete 10\.5\.64\.0\/18/,
  },
  {
    title: 'the default route is none of those',
    facts: { kernel: { ...kernel, routes: [route('0.0.0.0/0', 2)] } },
    status: 'ok',
    seen: /nobody/,
  },
  {
    title: 'skipped before the range is known',
    facts: { places: [{ name: 'blue', source: 'daemon' }] },
    status: 'skip',
    seen: /nothing to look at/,
  },
]);

testRows('tables', [
  { title: 'one a network', status: 'ok', seen: /ip flannel-blue/ },
  {
    title: 'left by upstream',
    facts: { rules: { ...rules, tables: ['ip flannel-ipv4'] } },
    status: 'warn',
    seen: /left by upstream/,
    remedy: /nft delete table ip flannel-ipv4/,
  },
  {
    title: 'left by a network that is gone',
    facts: { rules: { ...rules, tables: ['ip flannel-blue', 'ip flannel-red'] } },
    status: 'warn',
    seen: /some are left over/,
    remedy: /flanneld cleanup/,
  },
  {
    title: 'skipped where rules cannot be listed',
    facts: { rules: { ...rules, listError: 'no nft' } },
    status: 'skip',
    seen: /no nft/,
  },
]);

testRows('upstream', [
  { title: 'none runs', status: 'ok', seen: /none runs/ },
  {
    title: 'it runs beside ours',
    facts: { upstream: { pids: [4] } },
    status: 'fail',
    seen: /pid 4\) beside this one/,
    remedy: /systemctl disable --now/,
  },
  {
    title: 'it runs before ours is started',
    facts: { upstream: { pids: [4] }, daemons: daemons() },
    status: 'warn',
    seen: /cannot run on one host/,
    remedy: /in its place/,
  },
  { title: 'skipped with the reason', facts: { upstream: 'no /proc' }, status: 'skip', seen: /no \/proc/ },
]);
