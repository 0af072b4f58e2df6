// From the store's text to an opened backend: config, interface, backend, each of which may have to be waited for.
// What happens afterwards, lease and peers, is network.ts.

import type { Backend, OpenedBackend } from '../backends/backend.js';
import { sleep, type Clock, type Random } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Dataplane, DataplaneEvents } from '../kernel/dataplane.js';
import type { Kernel } from '../kernel/kernel.js';
import type { PeerFilterMode } from '../kernel/rules.js';
import type { Logger } from '../logger.js';
import type { Cidr, PerFamily } from '../subnet/cidr.js';
import { ConfigError, RegistryError } from '../subnet/errors.js';
import { missingConfig, parseNetworkConfig, type NetworkConfig } from '../subnet/network-config.js';
import type { Registry } from '../subnet/registry.js';
import { abortable, WaitReport } from '../subnet/retry.js';
import type { RuleTools } from './traffic-rules.js';
import { chooseExternalInterface, type Choice, type InterfaceWishes } from './external-interface.js';

export interface SetupParts {
  readonly registry: Registry;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly backends: readonly Backend[];
  /** How many processors this process may use. */
  readonly cores: number;
  /** Builds the packet engine of a network whose backend needs one; without it there is no such backend. */
  readonly dataplane?: (events: DataplaneEvents) => Dataplane;
  /** Builds what carries out the rules of a network with these ranges, former ones too; without it there are none (in tests of other things). */
  readonly rules?: (ranges: readonly Cidr[]) => RuleTools;
}

/** What the command line says of a network's setting up. */
export interface SetupOptions {
  readonly name: string;
  readonly wishes: InterfaceWishes;
  readonly rules: { readonly filter: PeerFilterMode };
}

export interface Setup {
  readonly config: NetworkConfig;
  readonly ranges: PerFamily<Cidr>;
  readonly choice: Choice;
  readonly backend: OpenedBackend;
}

/** How often the config is looked at again while it is absent or cannot be used: upstream's second. */
const CONFIG_POLL_MS = 1_000;

/**
 * Reads the config until there is one that can be used, and opens its backend. What is waited for is said once,
 * then once a minute. Throws FatalError when no interface fits the flags; rejects with the signal's reason.
 */
export async function setUp(parts: SetupParts, options: SetupOptions, signal: AbortSignal): Promise<Setup> {
  const report = new WaitReport(parts);
  for (;;) {
    try {
      const setup = await attempt(parts, options, signal);
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

async function attempt(parts: SetupParts, options: SetupOptions, signal: AbortSignal): Promise<Setup> {
  const { registry, kernel, backends, cores, random } = parts;
  const stored = await abortable(registry.readConfig(), signal);
  if (stored === undefined) throw missingConfig();
  const config = parseNetworkConfig(stored.text);
  const row = backendOf(backends, config.backend.type);
  const [links, addresses, routes] = await Promise.all([
    kernel.links(),
    kernel.addresses(),
    kernel.routes(4),
  ]);
  const host = { links, addresses, routes, routeTo: kernel.routeTo.bind(kernel) };
  const choice = await chooseExternalInterface(options.wishes, host);
  const { 4: v4, 6: v6 } = config.enabled;
  const ranges = { ...(v4 && { 4: v4.network }), ...(v6 && { 6: v6.network }) };
  const context = {
    external: choice.external,
    ranges,
    links,
    network: options.name,
    peerFilter: options.rules.filter,
    cores,
    random,
  };
  return { config, ranges, choice, backend: row.open(config.backend.options, context) };
}

function backendOf(backends: readonly Backend[], type: string): Backend {
  const row = backends.find((backend) => backend.type === type.toLowerCase());
  if (row !== undefined) return row;
  const names = backends.map((backend) => `"${backend.type}"`).join(', ');
  const why = type === '' ? ' (Backend names no Type; only a config without Backend means udp)' : '';
  throw new ConfigError(
    'config-backend',
    `backend type ${JSON.stringify(type.slice(0, 60))}${why} is not available in this flanneld; set Backend.Type in the network config to one of ${names}`,
  );
}
