// Checks of the way to the peers: MTU, the encapsulation port, whoever does not answer, checksums, addresses that two
// nodes have. Pure; what the daemon's probe has seen is taken as it is.

import type { PeerDocument } from '../api/model.js';
import { encapsulation } from '../backends/encapsulation.js';
import { check, fail, ok, skip, warn, type Finding } from './check.js';
import type { ChecksumFacts, DaemonSeen, Facts, KernelFacts, Place, SeenLease } from './facts.js';

export const PEER_CHECKS = [
  check({
    id: 'mtu',
    title: 'MTU of device and interface',
    looksAt:
      'the MTU of the device, what the backend wants it to be, and that of the interface below less the encapsulation',
    needs: ['kernel', 'places'],
    judge: ({ kernel, places }) => places.flatMap((place) => judgeMtu(kernel, place)),
  }),
  check({
    id: 'path-mtu',
    title: 'MTU of the path to each peer',
    looksAt: 'the daemon’s probes of full size that may not be fragmented',
    needs: ['daemons'],
    judge: ({ daemons }) => daemons.answering.flatMap((daemon) => perNetwork(daemon, judgePathMtu)),
  }),
  check({
    id: 'encapsulation',
    title: 'encapsulation port, in both directions',
    looksAt: 'the daemon’s probes through the overlay beside those over the underlay',
    needs: ['daemons'],
    judge: ({ daemons }) =>
      daemons.answering.flatMap((daemon) =>
        perNetwork(daemon, (peers, name) => judgeFiltered(peers, name, portOf(daemon, name))),
      ),
  }),
  check({
    id: 'peers',
    title: 'peers that do not answer',
    looksAt: 'the daemon’s probes, both ways',
    needs: ['daemons'],
    judge: ({ daemons }) => daemons.answering.flatMap((daemon) => perNetwork(daemon, judgeSilent)),
  }),
  check({
    id: 'checksum-offload',
    title: 'checksum offload',
    looksAt:
      'whether InCsumErrors of /proc/net/snmp grows, `ethtool -k` of the device, the kernel, and whether the network masquerades',
    needs: ['checksums', 'host', 'places'],
    judge: ({ checksums, host, places }) =>
      places.flatMap((place) => judgeChecksums(checksums, host.kernel, place)),
  }),
  check({
    id: 'public-ip',
    title: 'public addresses that two nodes have',
    looksAt: 'the leases, and what the daemon says of its own address',
    needs: ['daemons', 'store'],
    judge: ({ daemons, store }) => judgeAddresses(daemons.answering, store),
  }),
];

function judgeMtu({ links }: KernelFacts, place: Place): readonly Finding[] {
  const { name, device, backend, interface: below } = place;
  const link = links.find((candidate) => candidate.name === device);
  const lower = links.find((candidate) => candidate.name === below?.name);
  if (below !== undefined && lower === undefined)
    return [fail(`the interface ${below.name} is gone`, 'plug it in again, or give another -iface', name)];
  if (lower === undefined || backend === undefined) return [];
  const overhead = backend === 'vxlan' || backend === 'udp' ? encapsulation(backend, 4) : 0;
  const room = lower.mtu - overhead;
  const { mtu = room } = place;
  const remedy = `\`ip link set ${lower.name} mtu ${mtu + overhead}\`, or set a smaller "MTU" in the network config`;
  if (mtu > room)
    return [
      fail(
        `pods may send ${mtu} bytes, and ${lower.name} (MTU ${lower.mtu}) has room for ${room} within ${backend}`,
        remedy,
        name,
      ),
    ];
  if (link !== undefined && link.mtu !== mtu)
    return [
      fail(
        `${link.name} has MTU ${link.mtu}, and ${mtu} is wanted`,
        `\`ip link set ${link.name} mtu ${mtu}\``,
        name,
      ),
    ];
  return [ok(`${link?.name ?? 'pods'}: ${mtu}, ${lower.name}: ${lower.mtu}`, name)];
}

type JudgePeers = (peers: readonly PeerDocument[], network: string) => Finding;

/** Skipped with the reason where peers are not probed, or not yet. */
function perNetwork({ status, networks }: DaemonSeen, judge: JudgePeers): readonly Finding[] {
  return status.networks.map(({ name, running, reasons }) => {
    if (running === undefined)
      return skip(`the network does not run: ${reasons[0]?.text ?? 'no reason is told'}`, name);
    if (status.probe.state === 'off') return skip('peers are not probed (-probe-interval=0s)', name);
    if (status.probe.state === 'unavailable')
      return skip(`peers cannot be probed: ${status.probe.reason}`, name);
    const peers = networks.get(name)?.peers ?? [];
    if (peers.length === 0) return ok('there are no peers', name);
    const probed = peers.filter(({ probe }) => probe !== undefined && probe.verdict !== 'unknown');
    return probed.length === 0
      ? skip(`none of ${peers.length} peers has answered a probe yet`, name)
      : judge(probed, name);
  });
}

const SHOWN = 5;

function listed(peers: readonly PeerDocument[], tell: (peer: PeerDocument) => string = textOf): string {
  const more = peers.length > SHOWN ? `, and ${peers.length - SHOWN} more` : '';
  return `${peers.slice(0, SHOWN).map(tell).join(', ')}${more}`;
}

function textOf({ subnet, publicIp }: PeerDocument): string {
  return `${publicIp} (${subnet})`;
}

function withVerdict(peers: readonly PeerDocument[], wanted: string): readonly PeerDocument[] {
  return peers.filter(({ probe }) => probe?.verdict === wanted);
}

function judgePathMtu(peers: readonly PeerDocument[], network: string): Finding {
  const small = withVerdict(peers, 'path-mtu');
  if (small.length === 0) return ok(`full packets come through to ${peers.length} peers`, network);
  const text = listed(small, (peer) => {
    const bytes = peer.probe?.pathMtu;
    return `${textOf(peer)}${bytes === undefined ? '' : `: ${bytes} bytes at the most`}`;
  });
  const [first] = small;
  return fail(
    `small packets come through and full ones do not: ${text}`,
    `make the MTU of both interfaces and of what lies between them equal (\`ip link\` on both hosts, \`tracepath -n ${first?.publicIp ?? ''}\`), or set a smaller "MTU" in the network config`,
    network,
  );
}

const LOST: Readonly<Record<string, string>> = {
  'to-peer': 'from here to there',
  'from-peer': 'from there to here',
  both: 'both ways',
};

function judgeFiltered(peers: readonly PeerDocument[], network: string, port: string): Finding {
  const filtered = withVerdict(peers, 'filtered');
  if (filtered.length === 0)
    return ok(`open to ${peers.length - withVerdict(peers, 'unreachable').length} peers`, network);
  const text = listed(filtered, (peer) => {
    const way = LOST[peer.probe?.lost ?? ''];
    return `${textOf(peer)}${way === undefined ? '' : `, lost ${way}`}`;
  });
  return fail(
    `the host answers and the overlay does not, so ${port} is filtered: ${text}`,
    `let ${port} pass on both hosts and between them: \`nft list ruleset\` and \`iptables -S\` show a filter of a host; firewalld: \`firewall-cmd --permanent --add-port=${port.replace('UDP port ', '')}/udp && firewall-cmd --reload\`; a cloud: its security group`,
    network,
  );
}

function portOf({ status }: DaemonSeen, network: string): string {
  const port = status.networks.find(({ name }) => name === network)?.running?.backend.port;
  return port === undefined ? 'the way of pods’ packets' : `UDP port ${port}`;
}

function judgeSilent(peers: readonly PeerDocument[], network: string): Finding {
  const silent = withVerdict(peers, 'unreachable');
  if (silent.length === 0) return ok(`all of ${peers.length} answer`, network);
  const verdict = silent.length === peers.length ? fail : warn;
  return verdict(
    `${silent.length} of ${peers.length} answer neither through the overlay nor beside it: ${listed(silent)}`,
    silent.length === peers.length
      ? 'look at this host’s interface and cable: `ip -s link`, `ping` of a peer'
      : 'look whether these hosts run, and are reached: `ping`; `flanneld leases release` frees the subnet of one that is gone for good',
    network,
  );
}

/** From these kernels on a checksum of zero stays zero through NAT ("never update the UDP checksum when it's 0"). */
const MENDED: readonly (readonly [number, number, number])[] = [
  [4, 14, 181],
  [4, 19, 123],
  [5, 4, 41],
  [5, 6, 13],
];

function judgeChecksums(
  { errors, growth, seconds, offload }: ChecksumFacts,
  kernel: string,
  { name, backend, device, ipMasq, source }: Place,
): readonly Finding[] {
  if (backend !== 'vxlan' || device === undefined || source === 'guess') return [];
  const on = offload.get(device);
  const remedy = `\`ethtool -K ${device} tx-checksum-ip-generic off\` on both hosts, or -tx-checksum=off of flanneld, which keeps it so`;
  if (growth > 0) {
    const text = `${growth} datagrams came with a wrong checksum within ${seconds} s (${errors} since boot)`;
    return on === false
      ? [warn(`${text}; ${device} here offloads none, so look at the senders`, remedy, name)]
      : [fail(`${text}: a sender's checksum offload gets VXLAN wrong`, remedy, name)];
  }
  if (on === undefined) return [skip(`whether ${device} offloads checksums cannot be seen (ethtool)`, name)];
  if (on && ipMasq === true && !isMended(kernel))
    return [
      warn(
        `kernel ${kernel} spoils the checksum of VXLAN packets that are masqueraded, and ${device} leaves it to the card`,
        remedy,
        name,
      ),
    ];
  return [
    ok(`no wrong checksums (${errors} since boot); offload of ${device} is ${on ? 'on' : 'off'}`, name),
  ];
}

function isMended(kernel: string): boolean {
  const [major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(kernel) ?? [])
    .slice(1)
    .map(Number);
  const branch = MENDED.find(([x, y]) => x === major && y === minor);
  if (branch !== undefined) return patch >= branch[2];
  return major > 5 || (major === 5 && minor >= 7);
}

function judgeAddresses(daemons: readonly DaemonSeen[], store: Facts['store']): readonly Finding[] {
  const told = daemons.flatMap(({ status, networks }) =>
    status.networks.map(({ name, reasons }) => ({
      name,
      leases: networks.get(name)?.leases ?? [],
      refused: reasons.find(({ code }) => code === 'identity-refused')?.text,
    })),
  );
  const known = new Set(told.map(({ name }) => name));
  const stored = store.networks
    .filter(({ name }) => !known.has(name))
    .map(({ name, leases }) => ({ name, leases, refused: undefined }));
  return [...told, ...stored].map(({ name, leases, refused }) => {
    const remedy =
      'give each node an address of its own with -iface or -public-ip, and its own machine-id (`systemd-machine-id-setup`)';
    if (refused !== undefined) return fail(refused, remedy, name);
    const [twice] = doubled(leases);
    return twice === undefined
      ? ok(`${leases.length} leases, each with an address of its own`, name)
      : fail(twice, remedy, name);
  });
}

function doubled(leases: readonly SeenLease[]): readonly string[] {
  const owners = new Map<string, string[]>();
  for (const { publicIp, subnet } of leases) {
    if (publicIp !== '' && publicIp !== '0.0.0.0')
      owners.set(publicIp, [...(owners.get(publicIp) ?? []), subnet]);
  }
  return [...owners]
    .filter(([, subnets]) => subnets.length > 1)
    .map(([address, subnets]) => `${address} is announced for ${subnets.join(' and ')}`);
}
