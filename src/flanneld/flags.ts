// THE flag table: one row a flag. The command line, FLANNELD_* names, the Options type, redaction, the help text
// and docs/flags.md all come from it. Parsing is cli.ts.

interface Row<T> {
  readonly type: 'string' | 'boolean' | 'integer' | 'duration' | 'list';
  readonly default: T;
  readonly help: string;
  /** Never shown: neither in the help nor in a log. */
  readonly secret?: true;
  /** Bounds of an integer, or of a duration in seconds, inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** The only values a string may have. */
  readonly choices?: readonly string[];
  /** The function is not there yet: only these values, which ask for nothing, are accepted. */
  readonly harmless?: readonly (string | boolean | number)[];
}

const text = (value: string, help: string, more: Partial<Row<string>> = {}): Row<string> => ({
  type: 'string',
  default: value,
  help,
  ...more,
});
const flag = (value: boolean, help: string, more: Partial<Row<boolean>> = {}): Row<boolean> => ({
  type: 'boolean',
  default: value,
  help,
  ...more,
});
const integer = (value: number, help: string, more: Partial<Row<number>> = {}): Row<number> => ({
  type: 'integer',
  default: value,
  help,
  ...more,
});
const duration = (value: string, help: string, more: Partial<Row<string>> = {}): Row<string> => ({
  type: 'duration',
  default: value,
  help,
  ...more,
});
const list = (help: string): Row<readonly string[]> => ({ type: 'list', default: [], help });

/** Names, types and defaults are flannel's (its main.go; v0.28), so that a unit file needs no change. */
export const FLAGS = {
  'etcd-endpoints': text(
    'http://127.0.0.1:4001,http://127.0.0.1:2379',
    'comma-separated list of etcd endpoints',
  ),
  'etcd-prefix': list(
    'etcd prefix of a network, or name=prefix; may be repeated: each is a network (default /coreos.com/network, unless -networks-prefix is given)',
  ),
  'networks-prefix': text('', 'etcd prefix below which every <name>/config is a network of its own'),
  'etcd-keyfile': text('', 'TLS key of the client certificate for etcd'),
  'etcd-certfile': text('', 'TLS client certificate for etcd'),
  'etcd-cafile': text('', 'TLS certificate authority that etcd’s certificate must come from'),
  'etcd-username': text('', 'user name for etcd'),
  'etcd-password': text('', 'password for etcd', { secret: true }),
  iface: list(
    'interface (name or IP) for traffic between hosts; may be repeated, the first that fits is used',
  ),
  'iface-regex': list(
    'regular expression for the interface’s IP or name; tried after every -iface; may be repeated',
  ),
  'iface-can-reach': text('', 'use the interface through which the kernel reaches this IP; tried last'),
  'public-ip': text('', 'IP to announce to other nodes'),
  'public-ipv6': text('', 'IPv6 address to announce to other nodes', { harmless: [''] }),
  'subnet-file': text('/run/flannel/subnet.env', 'file to write the subnet, MTU and network to'),
  'subnet-dir': text(
    '/run/flannel/networks',
    'folder for the env files of several networks, <name>.env, and what each network’s state is, <name>.status.json',
  ),
  'network-grace': duration('10s', 'how long a network goes on after its config was deleted', {
    min: 0,
    max: 86_400,
  }),
  'network-remove': text(
    'drain',
    'when the config of a network was deleted: drain = leave it when no pod uses it any more, force = leave it after -network-grace',
    { choices: ['drain', 'force'] },
  ),
  'subnet-lease-ttl': duration(
    '24h',
    'how long the lease of the subnet lives without being kept alive, such as 30m; at least 10s',
    { min: 10, max: 315_360_000 },
  ),
  'subnet-lease-renew-margin': integer(
    0,
    'minutes before the end of the lease at which its renewal counts as late; less than the lease lives; 0: 60, or a third of the lease’s time where that is less',
    { min: 0, max: 5_255_999 },
  ),
  'on-lease-lost': text(
    'exit',
    'when another node or an operator has taken our subnet: exit = end with code 3, reacquire = get another subnet',
    { choices: ['exit', 'reacquire'] },
  ),
  'release-on-exit': flag(
    false,
    'give the subnet back when stopped, so that the next start may get another one',
  ),
  'node-id': text(
    '',
    'what this node is known by, whatever its addresses; made of the machine-id unless given',
  ),
  'state-dir': text('/var/lib/flannel', 'folder for what is kept across restarts and reboots'),
  'ip-masq': flag(false, 'masquerade traffic that leaves the overlay'),
  'ip-masq-fully-random-disable': flag(false, 'masquerade without fully random ports'),
  'iptables-resync': integer(
    5,
    'seconds between looks at the traffic rules where changes cannot be heard of (iptables-legacy)',
    {
      min: 1,
      max: 86_400,
    },
  ),
  'iptables-forward-rules': flag(true, 'accept forwarded traffic of the overlay'),
  'ip-blackhole-route': flag(false, 'keep a blackhole route for the own subnet'),
  'peer-filter': text(
    'on',
    'who may send into the tunnel: on = peers only, strict = with inner sources of the overlay only, off = anybody',
    {
      choices: ['on', 'strict', 'off'],
    },
  ),
  'udp-disable': text(
    '',
    'features of the udp backend not to use, with commas between, or all: where a kernel or a driver gets one wrong',
  ),
  'kube-subnet-mgr': flag(false, 'take leases from the Kubernetes API instead of etcd', {
    harmless: [false],
  }),
  'kube-api-url': text('', 'URL of the Kubernetes API server', { harmless: [''] }),
  'kubeconfig-file': text('', 'kubeconfig file', { harmless: [''] }),
  'kube-annotation-prefix': text('flannel.alpha.coreos.com', 'prefix of the Kubernetes annotations', {
    harmless: ['flannel.alpha.coreos.com'],
  }),
  'net-config-path': text('/etc/kube-flannel/net-conf.json', 'network config file of the Kubernetes mode', {
    harmless: ['/etc/kube-flannel/net-conf.json'],
  }),
  'set-node-network-unavailable': flag(true, 'set the NetworkUnavailable condition of the node when ready', {
    harmless: [true, false],
  }),
  'healthz-ip': text('0.0.0.0', 'address of the health listener'),
  'healthz-port': integer(0, 'port of the health listener, 0 for none', { min: 0, max: 65_535 }),
  socket: text(
    '/run/flannel/flanneld.sock',
    'unix socket of the local API, which `flanneld <command>` asks; empty for none',
  ),
  'socket-group': text('', 'group whose members may use the socket too; without it root alone'),
  'api-ip': text('127.0.0.1', 'address at which the read-only part of the API and /metrics are served'),
  'api-port': integer(0, 'port for that, 0 for none', { min: 0, max: 65_535 }),
  'probe-interval': duration(
    '10s',
    'how often peers are probed, through the overlay and beside it; 0s: never',
    {
      min: 0,
      max: 3_600,
    },
  ),
  'tx-checksum': text(
    'auto',
    'checksum offload of the vxlan device: auto = as the kernel has it, off = switched off, for hosts that get it wrong',
    { choices: ['auto', 'off'] },
  ),
  version: flag(false, 'print the version and exit'),
  v: integer(0, 'log verbosity: 0 tells what happens, 1 and above also why', { min: 0, max: 10 }),
  vmodule: text('', 'klog’s verbosity by file', { harmless: [''] }),
  log_backtrace_at: text('', 'klog’s stack trace at a line', { harmless: ['', ':0'] }),
} as const satisfies Record<string, Row<string> | Row<boolean> | Row<number> | Row<readonly string[]>>;

export type FlagName = keyof typeof FLAGS;
export type FlagRow = Row<string | boolean | number | readonly string[]>;

type Value<R> = R extends Row<infer T> ? T : never;
/** What the command line and the environment say, by flag name; defaults filled in. */
export type Options = { readonly [Name in FlagName]: Value<(typeof FLAGS)[Name]> };

export const FLAG_NAMES = Object.keys(FLAGS) as readonly FlagName[];

/** The environment variable that sets a flag: FLANNELD_ and the name in upper case, hyphens as underscores. */
export function environmentName(name: FlagName): string {
  return `FLANNELD_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The options as they may be logged: secrets only as set or not. */
export function redacted(options: Options): Record<string, unknown> {
  const row = (name: FlagName): FlagRow => FLAGS[name];
  return Object.fromEntries(
    FLAG_NAMES.map((name) => [
      name,
      row(name).secret === true && options[name] !== '' ? '(set)' : options[name],
    ]),
  );
}
