// Checks of what the host has to have: kernel modules, tools, privileges, sysctl settings, room for neighbours.
// Pure, and mostly as true before the installation as after it.

import type { Place, SettingFacts, ToolSeen } from './facts.js';
import { check, fail, ok, skip, warn, type Finding } from './check.js';
import type { ModuleFacts, ModuleName, ModuleState, PrivilegeFacts } from './facts.js';

export const HOST_CHECKS = [
  check({
    id: 'kernel-modules',
    title: 'kernel features',
    looksAt:
      '/proc/modules, /proc/misc, /proc/kallsyms and the modules on disk for vxlan, tun and nf_tables, as far as the backends need them',
    needs: ['modules', 'places', 'rules'],
    judge: ({ modules, places, rules }) => {
      // Whoever lists rules has nf_tables in hand, also where /proc does not show it.
      const lists = rules.listError === undefined && rules.nft.version !== undefined;
      const known: ModuleFacts = lists ? { ...modules, nf_tables: 'loaded' } : modules;
      return neededModules(places).map((name) => judgeModule(name, known));
    },
  }),
  check({
    id: 'tools',
    title: 'nft and iptables',
    looksAt: 'whether they are installed, work, and with which version',
    needs: ['rules'],
    judge: ({ rules: { nft, iptables } }) => judgeTools(nft, iptables),
  }),
  check({
    id: 'capabilities',
    title: 'capabilities',
    looksAt: 'CapEff of the daemon; without one, of this command itself',
    needs: ['privileges', 'daemons'],
    judge: ({ privileges, daemons }) => {
      const low = daemons.answering.some(({ options }) => listensBelow1024(options));
      const needed = [...NEEDED, ...(low ? [NET_BIND_SERVICE] : [])];
      return privileges.processes.map((process) => judgeCapabilities(process, needed));
    },
  }),
  check({
    id: 'forwarding',
    title: 'forwarding',
    looksAt: 'net.ipv4.ip_forward, and the same of each device and interface of a network',
    needs: ['settings', 'places'],
    judge: ({ settings, places }) => judgeForwarding(settings, places),
  }),
  check({
    id: 'rp-filter',
    title: 'reverse path filter',
    looksAt: 'net.ipv4.conf.*.rp_filter: the larger of `all` and the device’s own',
    needs: ['settings', 'places'],
    judge: ({ settings, places }) => devicesOf(places).map((device) => judgeReversePath(settings, device)),
  }),
  check({
    id: 'bridge-filter',
    title: 'bridged packets and the firewall',
    looksAt: 'net.bridge.bridge-nf-call-iptables (module br_netfilter)',
    needs: ['settings'],
    judge: ({ settings }) => [judgeBridgeFilter(settings)],
  }),
  check({
    id: 'neighbour-table',
    title: 'room in the neighbour table',
    looksAt: 'net.ipv4.neigh.default.gc_thresh3 against the entries there are and the peers there will be',
    needs: ['neighbours', 'daemons'],
    judge: ({ neighbours, daemons }) => {
      const networks = daemons.answering.flatMap(({ networks }) => [...networks.values()]);
      const peers = networks.reduce((sum, { peers }) => sum + peers.length, 0);
      return [judgeNeighbours(neighbours, peers)];
    },
  }),
];

function neededModules(places: readonly Place[]): readonly ModuleName[] {
  const uses = (backend: string): boolean =>
    places.some((place) => place.backend === backend || place.source === 'guess');
  return [
    ...(uses('vxlan') ? (['vxlan'] as const) : []),
    ...(uses('udp') ? (['tun'] as const) : []),
    'nf_tables',
  ];
}

const WITHOUT: Readonly<Record<ModuleName, string>> = {
  vxlan: 'the backend vxlan cannot make its device',
  tun: 'the backend udp cannot make its device',
  nf_tables: 'there are no traffic rules by nft and no peer filter',
  br_netfilter: 'bridged packets pass by the firewall',
};

const MODULE_SEEN: Readonly<Record<ModuleState, (name: ModuleName) => Finding>> = {
  loaded: (name) => ok(`${name} is there`),
  loadable: (name) => ok(`${name} can be loaded, which happens when it is used`),
  unknown: (name) =>
    warn(
      `whether the kernel has ${name} cannot be seen: it is not in use, and /lib/modules does not hold this kernel's modules`,
      `\`modprobe ${name}\` on the host tells`,
    ),
  absent: (name) =>
    fail(
      `the kernel has no ${name}: ${WITHOUT[name]}`,
      `\`modprobe ${name}\`; if there is none, install the kernel's package of extra modules`,
    ),
};

function judgeModule(name: ModuleName, modules: ModuleFacts): Finding {
  return MODULE_SEEN[modules[name]](name);
}

function judgeTools(nft: ToolSeen, iptables: ToolSeen): readonly Finding[] {
  const [hasNft, hasIptables] = [nft.version !== undefined, iptables.version !== undefined];
  const seen = (name: string, tool: ToolSeen): Finding => {
    if (tool.version !== undefined) return ok(`${name} ${tool.version}`);
    const other = hasNft || hasIptables;
    const text = `${name} cannot be used: ${tool.error ?? 'it did not say why'}`;
    const remedy = `\`apt-get install ${name === 'nft' ? 'nftables' : 'iptables'}\``;
    if (!other) return fail(`${text}; without nft and iptables there are no traffic rules`, remedy);
    return name === 'nft'
      ? warn(`${text}; so there is no peer filter, and anybody may send into the overlay`, remedy)
      : ok(`${text}; nft is enough`);
  };
  return [seen('nft', nft), seen('iptables', iptables)];
}

/** A capability: its bit (linux/capability.h), and what it is for. */
interface Capability {
  readonly name: string;
  readonly bit: bigint;
  readonly level: 'warn' | 'fail';
  readonly without: string;
}
const NEEDED: readonly Capability[] = [
  { name: 'CAP_NET_ADMIN', bit: 12n, level: 'fail', without: 'neither devices nor routes can be made' },
  { name: 'CAP_NET_RAW', bit: 13n, level: 'warn', without: 'peers cannot be probed' },
];
const NET_BIND_SERVICE: Capability = {
  name: 'CAP_NET_BIND_SERVICE',
  bit: 10n,
  level: 'fail',
  without: 'a port below 1024 cannot be listened on',
};

function listensBelow1024(options: Readonly<Record<string, unknown>>): boolean {
  return ['healthz-port', 'api-port'].some((name) => {
    const port = options[name];
    return typeof port === 'number' && port > 0 && port < 1024;
  });
}

function judgeCapabilities(
  { who, effective, byUser }: PrivilegeFacts['processes'][number],
  needed: readonly Capability[],
): Finding {
  const missing = needed.filter(({ bit }) => (effective & (1n << bit)) === 0n);
  if (missing.length === 0) return ok(`${who} has ${needed.map(({ name }) => name).join(', ')}`);
  if (byUser) return skip('this command is not run by root, and there is no daemon to look at');
  const text = missing.map(({ name, without }) => `${name} (without it ${without})`).join(', ');
  const words = missing.map(({ name }) => name).join(' ');
  const remedy = `run it as root, or with \`AmbientCapabilities=${words}\` in the unit`;
  const verdict = missing.some(({ level }) => level === 'fail') ? fail : warn;
  return verdict(`${who} lacks ${text}`, remedy);
}

/** What packets of a network pass: its device and the interface below, or what they are called unless told otherwise. */
export function devicesOf(places: readonly Place[]): readonly string[] {
  const names = places.flatMap(({ device, interface: below }) => [device, below?.name]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

function judgeForwarding(settings: SettingFacts, places: readonly Place[]): readonly Finding[] {
  const all = settings.get('net/ipv4/ip_forward');
  if (all === undefined) return [skip('net.ipv4.ip_forward cannot be read')];
  if (all === '0')
    return [
      fail(
        'net.ipv4.ip_forward is 0: packets between pods and the overlay are not forwarded',
        '`sysctl -w net.ipv4.ip_forward=1`, and a line `net.ipv4.ip_forward=1` in a file of /etc/sysctl.d',
      ),
    ];
  const off = devicesOf(places).filter(
    (device) => settings.get(`net/ipv4/conf/${device}/forwarding`) === '0',
  );
  if (off.length === 0) return [ok('net.ipv4.ip_forward is 1')];
  return off.map((device) =>
    fail(
      `${device} does not forward although the host does`,
      `\`sysctl -w net/ipv4/conf/${device}/forwarding=1\``,
    ),
  );
}

function judgeReversePath(settings: SettingFacts, device: string): Finding {
  const own = settings.get(`net/ipv4/conf/${device}/rp_filter`);
  const all = settings.get('net/ipv4/conf/all/rp_filter');
  if (own === undefined || all === undefined) return skip(`${device} is not there yet`);
  const used = Math.max(Number(own), Number(all));
  if (used !== 1) return ok(`${device}: ${used === 0 ? 'off' : 'loose'}`);
  const where = Number(all) === 1 ? ['all', device] : [device];
  return warn(
    `${device}: strict, so that a packet is dropped which comes in where none to its sender would go out: with two interfaces, or direct routes beside the tunnel, that happens to good ones`,
    where.map((name) => `\`sysctl -w net/ipv4/conf/${name}/rp_filter=2\``).join(' and '),
  );
}

function judgeBridgeFilter(settings: SettingFacts): Finding {
  const name = 'net.bridge.bridge-nf-call-iptables';
  const value = settings.get('net/bridge/bridge-nf-call-iptables');
  if (value === '1') return ok(`${name} is 1`);
  const what = value === undefined ? 'is absent (br_netfilter is not loaded)' : 'is 0';
  return warn(
    `${name} ${what}: a service address whose pod is on the caller's own bridge may not answer`,
    `${value === undefined ? '`modprobe br_netfilter`, then ' : ''}\`sysctl -w ${name}=1\``,
  );
}

/** Pods and what else the host talks to need entries too. */
const SPARE = 128;

function judgeNeighbours(
  { limit, entries, full }: { readonly limit?: number; readonly entries: number; readonly full: number },
  peers: number,
): Finding {
  if (limit === undefined) return skip('this namespace does not show net.ipv4.neigh.default.gc_thresh3');
  const needed = peers + SPARE;
  const remedy = `\`sysctl -w net.ipv4.neigh.default.gc_thresh3=${roomFor(Math.max(needed, entries))}\``;
  const seen = `${entries} entries, ${peers} peers, and gc_thresh3 is ${limit}`;
  if (limit < needed) return fail(`${seen}: not enough for one entry a peer and ${SPARE} others`, remedy);
  if (full > 0) return warn(`${seen}; the table was full ${full} times since boot`, remedy);
  if (entries * 10 > limit * 9) return warn(`${seen}: nearly full`, remedy);
  return ok(seen);
}

/** The next power of two that is at least twice as many. */
function roomFor(entries: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(entries, 512) * 2));
}
