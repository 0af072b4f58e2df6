// From the store's text to an opened backend: config, interface, backend, each of which may have to be waited for.
// What happens afterwards, lease and peers, is network.ts.

import type { Backend, OpenedBackend, TxChecksum } from '../backends/backend.js';
import { sleep, type Clock, type Random } from '../clock.js';
import type { Counters } from '../counters.js';
import type { NetworkHealth } from '../health/network-health.js';
import { followed, openHeartbeat, type Heartbeat, type OpenHeartbeat } from '../heartbeat.js';
import type { Dataplane, DataplaneEvents } from '../kernel/dataplane.js';
import type { Kernel, Link } from '../kernel/kernel.js';
import type { PeerFilterMode } from '../kernel/rules.js';
import type { Logger } from '../logger.js';
import type { NodeState } from '../state/node-state.js';
import type { Cidr, Ip, PerFamily } from '../subnet/cidr.js';
import { ConfigError, RegistryError } from '../subnet/errors.js';
import { missingConfig, parseNetworkConfig, type NetworkConfig } from '../subnet/network-config.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type { ConfigText, Registry } from '../subnet/registry.js';
import { abortable, STORE_STEP_MS, WaitReport } from '../subnet/retry.js';
import type { ConfigSource } from './config-feed.js';
import { FatalError } from './errors.js';
import { chooseExternalInterface, type Choice, type InterfaceWishes } from './external-interface.js';
import type { HostPlaces, Place } from './host-places.js';
import type { LiveNetwork } from './live-networks.js';
import type { PeerProbing } from './network-probe.js';
import type { EnvFiles } from './subnet-env.js';
import type { RuleTools } from './traffic-rules.js';

/** Which node this is, in this boot. */
export interface NodeFacts {
  readonly nodeId: string;
  /** The host's name, for people. */
  readonly host: string;
  readonly bootId: string;
}

export interface SetupParts {
  readonly registry: Registry;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: Counters;
  /** Follows the loops of the network; without it nobody does. */
  readonly heartbeat?: OpenHeartbeat;
  readonly backends: readonly Backend[];
  readonly envFiles: EnvFiles;
  readonly node: NodeFacts;
  /** What the networks of this daemon occupy on the host. */
  readonly places: HostPlaces;
  /** Where the network hears of each other config; without it the config is that of the start. */
  readonly configs?: ConfigSource;
  /** The VNI that the nodes of the network share, never one of `taken` unless they do already; without it there is no agreeing. */
  readonly claimVni?: (taken: ReadonlySet<number>) => Promise<number>;
  /** A name for this life of the network, which no other life has. */
  readonly newInstance: () => string;
  /** Takes hold of the folder in which the network keeps what its next life is to know; rejects with StateError. */
  readonly openState?: (network: string) => Promise<NodeState>;
  /** How many processors this process may use. */
  readonly cores: number;
  /** Builds the packet engine of a network whose backend needs one; without it there is no such backend. */
  readonly dataplane?: (events: DataplaneEvents) => Dataplane;
  /** Probes the peers; without it nobody does. */
  readonly probe?: PeerProbing;
  /** What carries out the rules of the network of this name with these ranges, former ones too; without it there are none (in tests of other things). */
  readonly rules?: (network: string, ranges: readonly Cidr[]) => RuleTools;
}

/** The same for one network, with its own log lines and the health it answers for. */
export interface NetworkParts extends SetupParts {
  readonly health: NetworkHealth;
  /** What it shows of itself. */
  readonly live: LiveNetwork;
}

/** What the command line says of a network's setting up. */
export interface SetupOptions {
  readonly name: string;
  readonly wishes: InterfaceWishes;
  readonly rules: { readonly filter: PeerFilterMode };
  readonly txChecksum?: TxChecksum;
}

/** What the last life of the network ran by. */
export interface SetupMemory {
  readonly config: ConfigText;
  readonly own: LeaseRecord;
}

export interface Setup {
  readonly stored: ConfigText;
  /** The config is that of the last life: the store is away. */
  readonly fromMemory: boolean;
  readonly config: NetworkConfig;
  /** The VNI that was agreed upon; undefined where the config says it, or there is none. */
  readonly vni: number | undefined;
  readonly ranges: PerFamily<Cidr>;
  readonly choice: Choice;
  readonly backend: OpenedBackend;
}

/** How often the config is looked at again while it is absent or cannot be used: upstream's second. */
const CONFIG_POLL_MS = 1_000;
/** How long the store may take before we go on from memory. */
const MEMORY_AFTER_MS = 2_000;

/**
 * Reads the config until there is one that can be used, and opens its backend. What is waited for is said once,
 * then once a minute; so is a place on the host that another network has. A store that is away is not waited for where
 * there is a config in memory. `driveOut` is called when an elder network takes the place later. Throws FatalError when no
 * interface fits the flags; rejects with the signal's reason.
 */
export function setUp(
  parts: NetworkParts,
  options: SetupOptions,
  signal: AbortSignal,
  driveOut: (by: string) => void,
  memory?: SetupMemory,
): Promise<Setup> {
  const beat = openHeartbeat(parts.heartbeat, 'config wait', STORE_STEP_MS);
  return followed(beat, () => tryUntilSetUp(parts, options, signal, driveOut, beat, memory));
}

async function tryUntilSetUp(
  parts: NetworkParts,
  options: SetupOptions,
  signal: AbortSignal,
  driveOut: (by: string) => void,
  beat: Heartbeat,
  memory?: SetupMemory,
): Promise<Setup> {
  const report = new WaitReport(parts, (waiting) => {
    if (waiting === undefined) parts.health.clear('waiting-for-config');
    else parts.health.set('waiting-for-config', waiting.reason);
  });
  for (;;) {
    beat.works();
    try {
      const setup = await attempt(parts, options, signal, memory);
      parts.places.take(placeOf(options, setup), driveOut);
      report.ended();
      return setup;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConfigError) && !(error instanceof RegistryError)) throw error;
      report.failed('read the network config', error);
      await sleep(parts.clock, CONFIG_POLL_MS, signal);
    }
  }
}

/** The address by which a node is reached; the choice of an interface ends with one. */
export function publicIpOf({ choice }: Pick<Setup, 'choice'>): Ip {
  const publicIp = choice.external.publicIps[4];
  if (publicIp === undefined)
    throw new FatalError('no-interface', `${choice.external.name} has no IPv4 address to announce`);
  return publicIp;
}

/** The interface for traffic between nodes, as the kernel stands now. Throws FatalError `no-interface`. */
export async function choose(
  { kernel }: Pick<SetupParts, 'kernel'>,
  wishes: InterfaceWishes,
): Promise<{ readonly choice: Choice; readonly links: readonly Link[] }> {
  const [links, addresses, routes] = await Promise.all([
    kernel.links(),
    kernel.addresses(),
    kernel.routes(4),
  ]);
  const routeTo = (address: Ip): ReturnType<Kernel['routeTo']> => kernel.routeTo(address);
  return { choice: await chooseExternalInterface(wishes, { links, addresses, routes, routeTo }), links };
}

/** The same network over another interface or address. Throws ConfigError for a backend that cannot have that. */
export function reopen(
  parts: SetupParts,
  options: SetupOptions,
  setup: Pick<Setup, 'stored' | 'fromMemory' | 'config' | 'vni'>,
  { choice, links }: { readonly choice: Choice; readonly links: readonly Link[] },
): Setup {
  const { backends, cores, random } = parts;
  const { config, vni } = setup;
  const { 4: v4, 6: v6 } = config.enabled;
  const ranges = { ...(v4 && { 4: v4.network }), ...(v6 && { 6: v6.network }) };
  const context = {
    external: choice.external,
    ranges,
    links,
    network: options.name,
    peerFilter: options.rules.filter,
    txChecksum: options.txChecksum ?? 'auto',
    cores,
    random,
  };
  const row = backendOf(backends, config.backend.type);
  const asked = config.backend.options;
  const backend = row.open(vni === undefined ? asked : (row.agreement?.settle(asked, vni) ?? asked), context);
  return { ...setup, ranges, choice, backend };
}

async function attempt(
  parts: SetupParts,
  options: SetupOptions,
  signal: AbortSignal,
  memory: SetupMemory | undefined,
): Promise<Setup> {
  const { stored, fromMemory } = await readConfig(parts, memory?.config, signal);
  const config = parseNetworkConfig(stored.text);
  // Before an interface is looked for: what the config lacks is to be told whatever the host lacks.
  const vni = await agreedVni(parts, options, config, fromMemory ? memory?.own : undefined, signal);
  const chosen = await choose(parts, options.wishes);
  return reopen(parts, options, { stored, fromMemory, config, vni }, chosen);
}

/** The VNI that the config leaves to the nodes; undefined where it does not. */
async function agreedVni(
  { backends, places, claimVni }: SetupParts,
  { name }: SetupOptions,
  { backend: { type, options } }: NetworkConfig,
  remembered: LeaseRecord | undefined,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { agreement } = backendOf(backends, type);
  if (agreement?.asks(options) !== true) return undefined;
  const known = remembered === undefined ? undefined : agreement.known(remembered);
  if (known !== undefined || claimVni === undefined) return known;
  const others = places.all.filter(({ network }) => network !== name);
  const taken = others.flatMap(({ tunnel }) => tunnel?.vni ?? []);
  return abortable(claimVni(new Set(taken)), signal);
}

function placeOf({ name: network }: SetupOptions, { ranges, backend, config, stored }: Setup): Place {
  return {
    network,
    ranges: [ranges[4], ranges[6]].filter((range) => range !== undefined),
    tunnel: backend.tunnel,
    isolated: config.isolated,
    writtenAt: stored.modRevision,
  };
}

async function readConfig(
  { registry, clock }: SetupParts,
  memory: ConfigText | undefined,
  signal: AbortSignal,
): Promise<Pick<Setup, 'stored' | 'fromMemory'>> {
  const late = new AbortController();
  const cancel =
    memory === undefined
      ? undefined
      : clock.after(MEMORY_AFTER_MS, () => {
          late.abort(new RegistryError('unavailable', 'read the config', 'etcd does not answer'));
        });
  try {
    const stored = await abortable(registry.readConfig(), AbortSignal.any([signal, late.signal]));
    if (stored === undefined) throw missingConfig();
    return { stored, fromMemory: false };
  } catch (error) {
    signal.throwIfAborted();
    const away = error instanceof RegistryError && error.code === 'unavailable';
    if (!away || memory === undefined) throw error;
    return { stored: memory, fromMemory: true };
  } finally {
    cancel?.();
  }
}

/** The row of the type. Throws ConfigError for a type there is none of. */
export function backendOf(backends: readonly Backend[], type: string): Backend {
  const row = backends.find((backend) => backend.type === type.toLowerCase());
  if (row !== undefined) return row;
  const names = backends.map((backend) => `"${backend.type}"`).join(', ');
  const why = type === '' ? ' (Backend names no Type; only a config without Backend means udp)' : '';
  throw new ConfigError(
    'config-backend',
    `backend type ${JSON.stringify(type.slice(0, 60))}${why} is not available in this flanneld; set Backend.Type in the network config to one of ${names}`,
  );
}
