// What the command line says of networks: which there are, and of each one as plain data how it is to be run.
// Which networks etcd adds to them is networks.ts.

import { join, posix } from 'node:path';
import type { TxChecksum } from '../backends/backend.js';
import type { PeerFilterMode } from '../kernel/rules.js';
import { isNetworkName } from '../subnet/network-names.js';
import type { LeaseTerms } from '../subnet/lease-manager.js';
import { durationSeconds } from './duration.js';
import { UsageError } from './errors.js';
import type { InterfaceWishes } from './external-interface.js';
import type { Options } from './flags.js';
import { leaseTerms } from './lease-options.js';
import { networkName } from './network-name.js';
import { DEFAULT_SUBNET_FILE } from './subnet-env.js';
import type { RuleWishes } from './traffic-rules.js';

export interface NetworkOptions {
  /** Names the network's devices' alias, its state folder, its rules, and its log lines. */
  readonly name: string;
  /** Where it lies in the store. */
  readonly prefix: string;
  /** The env files to write, all alike; the first is the one that is read back at a start. */
  readonly subnetFiles: readonly [string, ...string[]];
  readonly wishes: InterfaceWishes;
  readonly rules: RuleWishes;
  /** -tx-checksum. */
  readonly txChecksum?: TxChecksum;
  /** Whether to keep a blackhole route for our own subnet (-ip-blackhole-route). */
  readonly blackhole: boolean;
  readonly terms: LeaseTerms;
  /** What to do when our subnet is not ours any more (-on-lease-lost). */
  readonly onLeaseLost: 'exit' | 'reacquire';
  /** Whether a stop gives the subnet back (-release-on-exit). */
  readonly releaseOnExit: boolean;
  /** Called when pods can use the network. */
  readonly onReady: () => void;
}

/** A network as the command line, or a key in etcd, makes it known. */
export type PlannedNetwork = Omit<NetworkOptions, 'onReady'>;

/** All that the command line says of networks. */
export interface NetworkPlan {
  /** Those it names, in its order. */
  readonly named: readonly PlannedNetwork[];
  /** Below this every <name>/config is a network; undefined for no more than the named ones. */
  readonly networksPrefix: string | undefined;
  /** Where status files lie, and the env files of several networks. */
  readonly subnetDir: string;
  /** How long a network goes on after its config was deleted. */
  readonly graceMs: number;
  /** `drain`: a network that pods use is not left. */
  readonly removal: 'drain' | 'force';
  /** How a network that etcd names is to be run. */
  readonly found: (name: string) => PlannedNetwork;
}

/** The prefix upstream has, where none is given. */
const DEFAULT_PREFIX = '/coreos.com/network';

/** Throws UsageError where flags contradict each other. */
export function networkPlan(options: Options): NetworkPlan {
  const common = commonOptions(options);
  const subnetDir = options['subnet-dir'];
  const networksPrefix = options['networks-prefix'] === '' ? undefined : normal(options['networks-prefix']);
  const envFile = (name: string): string => join(subnetDir, `${name}.env`);
  return {
    named: namedNetworks(options, networksPrefix).map(({ name, prefix, files }) => ({
      ...common,
      name,
      prefix,
      subnetFiles: files,
    })),
    networksPrefix,
    subnetDir,
    graceMs: (durationSeconds(options['network-grace']) ?? 0) * 1000,
    removal: options['network-remove'] as NetworkPlan['removal'],
    found: (name) => ({
      ...common,
      name,
      prefix: `${networksPrefix ?? ''}/${name}`,
      subnetFiles: [envFile(name)],
    }),
  };
}

/** Whether the file's other name (subnets.env) is to be kept beside it. */
export function hasAlias(file: string): boolean {
  return file === DEFAULT_SUBNET_FILE;
}

type Named = Pick<PlannedNetwork, 'name' | 'prefix'> & { readonly files: [string, ...string[]] };

function namedNetworks(options: Options, networksPrefix: string | undefined): readonly Named[] {
  const file = options['subnet-file'];
  const texts = options['etcd-prefix'];
  if (texts.length === 0) {
    if (networksPrefix !== undefined) return [];
    return [{ name: networkName(DEFAULT_PREFIX), prefix: DEFAULT_PREFIX, files: [file] }];
  }
  const given = texts.map(splitName);
  // One network alone is called as it was before there could be several, and writes the one file.
  const [only] = given;
  if (only !== undefined && given.length === 1 && networksPrefix === undefined) {
    return [{ name: only.name ?? networkName(only.prefix), prefix: only.prefix, files: [file] }];
  }
  const named = given.map(({ name, prefix, text }, index): Named => {
    const called = name ?? lastPart(prefix, text);
    const own = join(options['subnet-dir'], `${called}.env`);
    return { name: called, prefix, files: index === 0 ? [own, file] : [own] };
  });
  refuseTwice(named, networksPrefix);
  return named;
}

/** `blue=/flannel/blue`, or a prefix alone. */
function splitName(text: string): { readonly name?: string; readonly prefix: string; readonly text: string } {
  const at = text.startsWith('/') ? -1 : text.indexOf('=');
  if (at < 0) return { prefix: text, text };
  const [name, prefix] = [text.slice(0, at), text.slice(at + 1)];
  if (!isNetworkName(name)) {
    throw new UsageError(`-etcd-prefix=${text}: ${JSON.stringify(name)} is no name for a network; ${NAMES}`);
  }
  if (prefix === '') throw new UsageError(`-etcd-prefix=${text}: there is no prefix after the name`);
  return { name, prefix, text };
}

const NAMES = 'take a to z, 0 to 9 and - (not first or last), 32 at most';

function lastPart(prefix: string, text: string): string {
  const name = posix.basename(normal(prefix));
  if (isNetworkName(name)) return name;
  throw new UsageError(
    `-etcd-prefix=${text}: among several networks this one is called ${JSON.stringify(name)}, which is no name for one (${NAMES}); give it another with -etcd-prefix=NAME=${text}`,
  );
}

function refuseTwice(named: readonly Named[], networksPrefix: string | undefined): void {
  const [names, prefixes] = [new Set<string>(), new Set<string>()];
  for (const { name, prefix } of named) {
    const place = normal(prefix);
    if (prefixes.has(place)) throw new UsageError(`-etcd-prefix=${prefix} is given twice`);
    if (names.has(name)) {
      throw new UsageError(
        `two networks are called ${name}: give one another name with -etcd-prefix=NAME=${prefix}`,
      );
    }
    if (networksPrefix !== undefined && posix.dirname(place) === networksPrefix) {
      throw new UsageError(
        `-etcd-prefix=${prefix} lies below -networks-prefix=${networksPrefix}, which makes it a network already; leave one of the two out`,
      );
    }
    names.add(name);
    prefixes.add(place);
  }
}

/** Doubled and trailing slashes do not matter, as in flannel. */
function normal(prefix: string): string {
  return posix.join('/', prefix, '.').replace(/\/$/, '');
}

function commonOptions(options: Options): Omit<PlannedNetwork, 'name' | 'prefix' | 'subnetFiles'> {
  return {
    rules: {
      ipMasq: options['ip-masq'],
      fullyRandom: !options['ip-masq-fully-random-disable'],
      forward: options['iptables-forward-rules'],
      filter: options['peer-filter'] as PeerFilterMode,
      resyncSeconds: options['iptables-resync'],
    },
    txChecksum: options['tx-checksum'] as TxChecksum,
    blackhole: options['ip-blackhole-route'],
    terms: leaseTerms(options),
    onLeaseLost: options['on-lease-lost'] as NetworkOptions['onLeaseLost'],
    releaseOnExit: options['release-on-exit'],
    wishes: {
      iface: options.iface,
      ifaceRegex: options['iface-regex'],
      canReach: options['iface-can-reach'],
      publicIp: options['public-ip'],
    },
  };
}
