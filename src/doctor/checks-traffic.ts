// Checks of what else on the host has a say in the overlay's packets: firewalls, and other owners of our ports, devices,
// ranges and tables. Pure.

import { ownerOf } from '../kernel/ownership.js';
import type { Link } from '../kernel/kernel.js';
import { overlaps, contains, lengthOf } from '../subnet/cidr.js';
import { check, fail, ok, skip, warn, type Finding } from './check.js';
import type { DaemonFacts, KernelFacts, Place, RuleFacts, SocketFacts } from './facts.js';

export const TRAFFIC_CHECKS = [
  check({
    id: 'forward-policy',
    title: 'firewall at the forward hook',
    looksAt:
      'every base chain at nftables’ forward hook, with what it jumps to, and `iptables-legacy -S FORWARD`',
    needs: ['rules', 'places'],
    judge: ({ rules, places }) =>
      places.filter(({ source }) => source !== 'guess').map((place) => judgeForward(rules, place)),
  }),
  check({
    id: 'udp-port',
    title: 'owner of the UDP port',
    looksAt: '/proc/net/udp and the processes whose sockets are there',
    needs: ['sockets', 'places', 'daemons', 'kernel'],
    judge: ({ sockets, places, daemons, kernel }) =>
      places.flatMap((place) => judgePort(sockets, place, daemons, kernel)),
  }),
  check({
    id: 'device',
    title: 'owner of the device',
    looksAt: 'name, kind, VNI, port and alias of every device',
    needs: ['kernel', 'places', 'daemons'],
    judge: ({ kernel, places, daemons }) =>
      places.flatMap((place) => judgeDevice(kernel.links, place, daemons.answering.length > 0)),
  }),
  check({
    id: 'range',
    title: 'other users of the range',
    looksAt: 'addresses and routes of other devices that overlap the network’s range',
    needs: ['kernel', 'places'],
    judge: ({ kernel, places }) => places.flatMap((place) => judgeRange(kernel, place)),
  }),
  check({
    id: 'tables',
    title: 'other owners of our tables',
    looksAt: 'nftables tables that flannel makes, and whether somebody runs who wants them',
    needs: ['rules', 'daemons', 'upstream'],
    judge: ({ rules, daemons, upstream }) => [judgeTables(rules, daemons, upstream.pids.length > 0)],
  }),
  check({
    id: 'upstream',
    title: 'another flanneld',
    looksAt: 'processes of upstream’s daemon',
    needs: ['upstream', 'daemons'],
    judge: ({ upstream: { pids }, daemons }) => {
      if (pids.length === 0) return [ok('none runs')];
      const seen = `upstream's flanneld runs (pid ${pids.join(', ')})`;
      const remedy =
        'stop it: `systemctl disable --now flanneld` if it is a service, or delete its DaemonSet';
      return daemons.answering.length === 0
        ? [warn(`${seen}: the two cannot run on one host`, `${remedy}, then start this one in its place`)]
        : [fail(`${seen} beside this one: each undoes what the other makes`, remedy)];
    },
  }),
];

function judgeForward(rules: RuleFacts, { name, range }: Place): Finding {
  if (range === undefined) return skip('the range of the network is not known yet', name);
  const [first] = rules.dropping.get(name) ?? [];
  if (first !== undefined) {
    const [seen = first, remedy] = first.split('; let them pass with: ');
    return fail(seen, remedy ?? '`nft list ruleset` shows it', name);
  }
  if (legacyDrops(rules.legacyForward, range)) {
    const command = rules.iptables.legacy ? 'iptables' : 'iptables-legacy';
    return fail(
      `the policy of ${command}'s FORWARD is DROP, and no rule accepts ${range}`,
      `\`${command} -I FORWARD -s ${range} -j ACCEPT && ${command} -I FORWARD -d ${range} -j ACCEPT\``,
      name,
    );
  }
  if (rules.listError !== undefined) return skip(`the rules cannot be listed: ${rules.listError}`, name);
  return ok(`no chain drops packets of ${range}`, name);
}

/** `-P FORWARD DROP` without flannel's chain, and without rules that accept the range both ways. */
function legacyDrops(listing: string, range: string): boolean {
  const lines = listing.split('\n').map((line) => line.trim());
  if (!lines.includes('-P FORWARD DROP')) return false;
  const accepts = (direction: string): boolean =>
    lines.includes(`-A FORWARD ${direction} ${range} -j ACCEPT`);
  return !lines.some((line) => line.includes('-j FLANNEL-FWD')) && !(accepts('-s') && accepts('-d'));
}

function judgePort(
  { udp, hidden }: SocketFacts,
  { name, port, backend, source, interface: runs }: Place,
  { answering }: DaemonFacts,
  { links }: KernelFacts,
): readonly Finding[] {
  if (port === undefined) return [];
  const ours = new Set(answering.map(({ status }) => status.pid));
  const network = source === 'guess' ? undefined : name;
  const sockets = udp.filter((socket) => socket.port === port);
  const stranger = sockets.find(({ owner }) => owner !== undefined && !ours.has(owner.pid));
  if (stranger?.owner !== undefined) {
    const { pid, name: program } = stranger.owner;
    const remedy = `\`ss -ulpn 'sport = :${port}'\` shows it; stop it, or set another "Port" in the network config`;
    return [fail(`UDP port ${port} is held by ${program} (pid ${pid})`, remedy, network)];
  }
  if (sockets.length === 0) {
    if (source === 'daemon' && runs === undefined) return [skip('the network does not run', network)];
    return source === 'daemon' && backend !== 'host-gw'
      ? [
          warn(
            `nobody listens at UDP port ${port}`,
            '`flanneld status` says what the network waits for',
            network,
          ),
        ]
      : [ok(`UDP port ${port} is free`, network)];
  }
  const device = links.find((link) => link.vxlan?.port === port);
  if (device !== undefined) return [ok(`UDP port ${port} is the kernel's, for ${device.name}`, network)];
  if (sockets.some(({ owner }) => owner !== undefined))
    return [ok(`UDP port ${port} is the daemon's`, network)];
  if (hidden) return [skip(`who holds UDP port ${port} can be seen by root only`, network)];
  return [ok(`UDP port ${port} is held within the kernel`, network)];
}

function judgeDevice(links: readonly Link[], place: Place, daemonRuns: boolean): readonly Finding[] {
  const { device, vni, port, backend, name, source } = place;
  const findings: Finding[] = [];
  const network = source === 'guess' ? undefined : name;
  const named = device === undefined ? undefined : links.find((link) => link.name === device);
  if (named !== undefined) findings.push(judgeNamed(named, place, daemonRuns));
  const rival = links.find(
    ({ vxlan, name: other }) =>
      backend === 'vxlan' && other !== device && vxlan?.vni === vni && vxlan?.port === port,
  );
  if (rival !== undefined) {
    const remedy = `\`ip link delete ${rival.name}\` if nobody needs it, or set another "VNI" in the network config`;
    findings.push(fail(`${rival.name} has VNI ${vni ?? 0} at port ${port ?? 0} already`, remedy, network));
  }
  if (findings.length > 0 || device === undefined) return findings;
  if (source === 'daemon' && place.interface === undefined)
    return [skip('the network does not run', network)];
  return daemonRuns && source === 'daemon'
    ? [fail(`there is no ${device}`, '`flanneld status` says why it cannot be made', network)]
    : [ok(`the name ${device} is free`, network)];
}

const KINDS: Readonly<Record<string, string>> = { vxlan: 'vxlan', udp: 'tun' };

function judgeNamed(link: Link, { name, backend, source }: Place, daemonRuns: boolean): Finding {
  const network = source === 'guess' ? undefined : name;
  const owner = ownerOf(link);
  const kind = link.kind ?? 'a plain device';
  const wanted = KINDS[backend ?? 'vxlan'];
  if (owner === name) {
    if (!link.up) return fail(`${link.name} is ours, and down`, `\`ip link set ${link.name} up\``, network);
    return ok(`${link.name} is ours`, network);
  }
  if (owner !== undefined && source !== 'guess')
    return fail(`${link.name} belongs to network ${owner}`, 'give one of the networks another VNI', network);
  const remedy = `\`ip link delete ${link.name}\` if nobody needs it, or set another "VNI" in the network config`;
  if (kind !== wanted)
    return fail(`${link.name} is somebody else's (${kind}), so ours cannot be made`, remedy, network);
  if (daemonRuns) return fail(`${link.name} does not carry our mark (its alias)`, remedy, network);
  return owner === undefined
    ? warn(
        `${link.name} is there: upstream's, or left by it`,
        'nothing; the daemon takes it over when it starts',
        network,
      )
    : ok(`${link.name} was left by our last life, and is used again`, network);
}

function judgeRange({ links, addresses, routes }: KernelFacts, place: Place): readonly Finding[] {
  const { range, name, subnet, device } = place;
  if (range === undefined) return [];
  const nameOf = (index: number | undefined): string =>
    links.find((link) => link.index === index)?.name ?? 'no device';
  const isOwn = (index: number | undefined): boolean => {
    const link = links.find((candidate) => candidate.index === index);
    return link === undefined || link.name === device || ownerOf(link) !== undefined;
  };
  // Pods hang on bridges with addresses of our own subnet.
  const isPods = (prefix: Parameters<typeof contains>[1]): boolean =>
    subnet !== undefined && contains(subnet, prefix);
  const remedy = 'give the network another "Network", or the host another address there';
  const strange = addresses.filter(
    ({ address, link }) => overlaps(range, address) && !isOwn(link) && !isPods(address),
  );
  const routed = routes.filter(
    ({ dst, link, protocol, gateway }) =>
      protocol !== FLANNELD &&
      lengthOf(dst) > 0 &&
      overlaps(range, dst) &&
      !isOwn(link) &&
      !isPods(dst) &&
      !(gateway !== undefined && place.backend === 'host-gw'),
  );
  const [address] = strange;
  if (address !== undefined)
    return [
      fail(`${nameOf(address.link)} has ${address.address}, which lies in the range ${range}`, remedy, name),
    ];
  const [route] = routed;
  if (route !== undefined) {
    const text = `a route of somebody else leads ${route.dst} to ${nameOf(route.link)}`;
    return [
      warn(
        `${text}, and overlaps the range ${range}`,
        `\`ip route delete ${route.dst}\` if nobody needs it`,
        name,
      ),
    ];
  }
  return [ok(`nobody else has addresses or routes in ${range}`, name)];
}

/** Our own routing protocol number (kernel.ts). */
const FLANNELD = 241;

function judgeTables(
  { listError, tables }: RuleFacts,
  { answering }: DaemonFacts,
  upstreamRuns: boolean,
): Finding {
  if (listError !== undefined) return skip(`the tables cannot be listed: ${listError}`);
  const upstreams = tables.filter((table) => /^(ip|ip6|inet) flannel-ipv[46]$/.test(table));
  if (upstreams.length > 0 && !upstreamRuns)
    return warn(
      `${upstreams.join(', ')}: left by upstream's flanneld`,
      upstreams.map((table) => `\`nft delete table ${table}\``).join(' and '),
    );
  const networks = answering.reduce((sum, { status }) => sum + status.networks.length, 0);
  const ours = tables.filter((table) => !upstreams.includes(table) && table.includes(' flannel-'));
  if (answering.length > 0 && ours.length > networks)
    return warn(
      `${ours.length} tables of networks (${ours.join(', ')}), and ${networks} networks: some are left over`,
      '`flanneld cleanup --dry-run` shows what can go',
    );
  return ok(ours.length === 0 ? 'none are there' : ours.join(', '));
}
