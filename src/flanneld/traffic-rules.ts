// The traffic rules of one network: which engine carries out what, by config, flags and what the host has.
// It builds no engine (compose.ts does), and knows no rule's form.

import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { OpenHeartbeat } from '../heartbeat.js';
import { bridgeFilterProblem } from '../kernel/iptables/bridge-filter.js';
import { chooseMode, type ModeChoice, type ToolProbe } from '../kernel/iptables/choose-mode.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Problem } from '../kernel/problem.js';
import { RuleKeeper, type RuleShare } from '../kernel/rule-keeper.js';
import type { PeerFilterMode, RuleEngine, WantedRules } from '../kernel/rules.js';
import type { Logger } from '../logger.js';
import type { Family } from '../subnet/cidr.js';

/** The flags about rules. */
export interface RuleWishes {
  readonly ipMasq: boolean;
  readonly fullyRandom: boolean;
  readonly forward: boolean;
  readonly filter: PeerFilterMode;
  readonly resyncSeconds: number;
}

/** What asking nft gave. */
type NftProbe = ToolProbe & { readonly fullyRandom?: boolean };

/** What carries out the rules of a network on this host, as compose.ts builds it. */
export interface RuleTools {
  readonly nft: RuleEngine & {
    probe(family: Family): Promise<NftProbe>;
  };
  readonly iptables: RuleEngine & {
    version(family: Family): Promise<{ readonly version: string; readonly needsPolling: boolean }>;
    removeBesideNft(network: string, family: Family): Promise<boolean>;
  };
  /** Tells of every change of rules that may concern this network in that mode; returns the stop. */
  readonly watch: (mode: ModeChoice['mode'], family: Family, changed: () => void) => () => void;
  /** Removes what an upstream daemon left, once our rules are in. */
  readonly removeUpstream: () => Promise<void>;
}

export interface RuleParts {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly heartbeat?: OpenHeartbeat;
  readonly tools: RuleTools;
  /** Told what is not as wanted, after each apply of the rules. */
  readonly told?: (problems: readonly Problem[]) => void;
}

export interface RuleRequest {
  readonly wishes: RuleWishes;
  /** EnableNFTables of the network config; undefined when it says nothing. */
  readonly enableNFTables: boolean | undefined;
  /** Everything but the peers, who come with admit(). */
  readonly wanted: Omit<WantedRules, 'masquerade' | 'forward' | 'filter' | 'peers'>;
}

export interface TrafficRules {
  readonly keeper: RuleKeeper;
  readonly choice: ModeChoice;
  /** Masquerades from now on, or not any more. Resolves when that is so, or has failed and will be retried. */
  readonly setMasquerade: (on: boolean) => Promise<void>;
  /** Removes the other mode's rules and upstream's; call it once ours are in. */
  readonly cleanUp: () => Promise<void>;
}

const POLL_MS = 60_000;

/** What the host's tools said of themselves. */
export interface RuleProbes {
  readonly nft: NftProbe;
  readonly iptables: ToolProbe;
}

/** Asks both tools; changes nothing and never rejects. It takes some spawns, so it may run beside other work. */
export async function probeTools(tools: RuleTools, family: Family): Promise<RuleProbes> {
  const [nft, iptables] = await Promise.all([
    probe(() => tools.nft.probe(family)),
    probe(() => probeIptables(tools, family)),
  ]);
  return { nft, iptables };
}

/**
 * Chooses the mode and builds the keeper; nothing is applied before its first admit(). The peer filter is nftables'
 * in either mode: iptables has no sets without another kernel module.
 * Rejects with RulesError when a mode the config names cannot be used, or rules are wanted and no tool is there.
 */
export async function openTrafficRules(
  parts: RuleParts,
  request: RuleRequest,
  probes: Promise<RuleProbes>,
): Promise<TrafficRules | undefined> {
  const { tools, logger } = parts;
  const { wishes, wanted } = request;
  const { family, network } = wanted;
  const { nft, iptables } = await probes;
  const filters = wishes.filter !== 'off' && wanted.tunnel !== undefined;
  if (!wishes.ipMasq && !wishes.forward && !filters && !nft.usable && !iptables.usable) return undefined;
  const choice = chooseMode(request.enableNFTables, { nft, iptables });
  logger.info('traffic rules', {
    backend: choice.mode,
    reason: choice.reason,
    state: summary(wishes, filters),
  });
  if (choice.mode === 'iptables') await warnAboutBridges(parts, family);
  if (filters && !nft.usable) warnAboutFilter(logger, nft.error);
  const polls = choice.mode === 'iptables' && (await tools.iptables.version(family)).needsPolling;
  const canRandomize = choice.mode === 'iptables' || (nft.usable && nft.fullyRandom !== false);
  const masquerade = { fullyRandom: wishes.fullyRandom && canRandomize };
  const keeper = new RuleKeeper(
    {
      ...parts,
      shares: shares(tools, choice.mode, nft.usable),
      watch: (changed) => tools.watch(choice.mode, family, changed),
      pollMs: polls ? wishes.resyncSeconds * 1000 : POLL_MS,
    },
    withoutPeers(wanted, wishes, masquerade),
  );
  const setMasquerade = (on: boolean): Promise<void> =>
    keeper.change((wanted) => ({ ...wanted, masquerade: on ? masquerade : undefined }));
  const cleanUp = async (): Promise<void> => {
    if (choice.mode === 'nftables' && iptables.usable) {
      await tools.iptables.removeBesideNft(network, family);
    }
    await tools.removeUpstream();
  };
  return { keeper, choice, setMasquerade, cleanUp };
}

function withoutPeers(
  wanted: RuleRequest['wanted'],
  wishes: RuleWishes,
  masquerade: WantedRules['masquerade'] & object,
): WantedRules {
  return {
    ...wanted,
    ...(wishes.ipMasq ? { masquerade } : {}),
    forward: wishes.forward,
    filter: wishes.filter,
    peers: new Set(),
  };
}

/** In iptables mode nftables has only the filter; where it cannot be used there is none. */
function shares(tools: RuleTools, mode: ModeChoice['mode'], nftUsable: boolean): readonly RuleShare[] {
  if (mode === 'nftables') return [{ engine: tools.nft, of: (wanted) => wanted }];
  const filterOnly = (wanted: WantedRules): WantedRules => {
    const { network, family, range, subnet, filter, tunnel, peers } = wanted;
    const forward = wanted.forward === false ? false : 'elsewhere';
    return {
      network,
      family,
      range,
      subnet,
      filter,
      peers,
      forward,
      ...(tunnel === undefined ? {} : { tunnel }),
    };
  };
  const rules: RuleShare = { engine: tools.iptables, of: (wanted) => ({ ...wanted, filter: 'off' }) };
  return nftUsable ? [rules, { engine: tools.nft, of: filterOnly }] : [rules];
}

async function probe<T extends ToolProbe>(
  ask: () => Promise<T>,
): Promise<T | (ToolProbe & { readonly usable: false })> {
  try {
    return await ask();
  } catch (error) {
    return { usable: false, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function probeIptables(tools: RuleTools, family: Family): Promise<ToolProbe> {
  return { usable: true, version: (await tools.iptables.version(family)).version };
}

async function warnAboutBridges({ kernel, logger }: RuleParts, family: Family): Promise<void> {
  const problem = await bridgeFilterProblem(kernel, family);
  if (problem !== undefined)
    logger.warn('bridged packets pass by the firewall', { object: problem.object, reason: problem.message });
}

function warnAboutFilter(logger: Logger, error: Error): void {
  logger.warn('no peer filter: anybody who reaches the port may send into the overlay', {
    reason: error.message,
    remedy: 'install nftables, or say -peer-filter=off to accept it',
  });
}

function summary({ ipMasq, forward, filter }: RuleWishes, filters: boolean): string {
  return `masquerade ${ipMasq ? 'on' : 'off'}, forward ${forward ? 'on' : 'off'}, peer filter ${filters ? filter : 'off'}`;
}
