// The traffic rules in the life of a network: opened before the first peer, waited for where masquerading depends on
// them, cleaned up after. Which engine does what is traffic-rules.ts.

import { sleep } from '../clock.js';
import type { Problem } from '../kernel/problem.js';
import { RulesError } from '../kernel/rules.js';
import type { LeaseRecord } from '../subnet/lease.js';
import { WaitReport } from '../subnet/retry.js';
import { FatalError } from './errors.js';
import { knownRanges, masquerades } from './network-run.js';
import type { NetworkParts, Setup, SetupParts } from './network-setup.js';
import type { PreviousEnv } from './subnet-env.js';
import {
  openTrafficRules,
  probeTools,
  type RuleProbes,
  type RuleTools,
  type RuleWishes,
  type TrafficRules,
} from './traffic-rules.js';

/** A missing tool is installed by hand: looking every few seconds is soon enough. */
const TOOL_RETRY_MS = 5_000;

/** The tools for a network's rules, asked already what they can do. */
export interface PreparedRules {
  /** For the ranges that the network turned out to have, and former ones of its env file. */
  readonly tools: (setup: Setup) => RuleTools;
  readonly probes: Promise<RuleProbes>;
}

/** Starts to ask the tools: five spawns that need nothing of the network, so they run beside the claim of a lease. */
export function prepareRules(
  { rules }: SetupParts,
  { name }: { readonly name: string },
  previous: PreviousEnv | undefined,
): PreparedRules | undefined {
  if (rules === undefined) return undefined;
  return {
    tools: (setup) => rules(name, knownRanges(setup, previous)),
    probes: probeTools(rules(name, previous?.networks ?? []), 4),
  };
}

/**
 * Opens the rules; undefined where there are none to keep. Without a tool the network waits when masquerading is
 * wanted, or the config names the mode: the env file must not promise what is not there. Otherwise it says so and
 * goes on. Rejects with the signal's reason.
 */
export async function openNetworkRules(
  parts: NetworkParts,
  setup: Setup,
  own: LeaseRecord,
  options: { readonly name: string; readonly rules: RuleWishes },
  prepared: PreparedRules | undefined,
  signal: AbortSignal,
): Promise<TrafficRules | undefined> {
  const { clock, logger, counters } = parts;
  const family = 4;
  const [range, subnet] = [setup.ranges[family], own.subnets[family]];
  if (prepared === undefined || range === undefined || subnet === undefined) return undefined;
  const tools = prepared.tools(setup);
  const { tunnel } = setup.backend;
  const wanted = {
    network: options.name,
    family,
    range,
    subnet,
    ...(tunnel === undefined ? {} : { tunnel }),
  } as const;
  const { enableNFTables } = setup.config;
  const wishes = { ...options.rules, ipMasq: masquerades(options, setup) };
  const report = new WaitReport(parts);
  const told = tellingHealth(parts, signal);
  for (let { probes } = prepared; ; probes = probeTools(tools, family)) {
    try {
      const rules = await openTrafficRules(
        { ...parts, tools, told },
        { wishes, enableNFTables, wanted },
        probes,
      );
      report.ended();
      return rules;
    } catch (error) {
      if (!(error instanceof RulesError)) throw error;
      if (!wishes.ipMasq && enableNFTables === undefined) {
        counters.increment('rulesFailed');
        logger.error('no traffic rules: going on without them', { code: error.code, reason: error.message });
        return undefined;
      }
      report.failed('set up the traffic rules', error);
      await sleep(clock, TOOL_RETRY_MS, signal);
      signal.throwIfAborted();
    }
  }
}

/** Tells the health what is not as wanted of the rules, until the run ends. */
function tellingHealth(
  { health }: NetworkParts,
  signal: AbortSignal,
): (problems: readonly Problem[]) => void {
  const tell = (problems: readonly Problem[]): void => {
    const dropping = problems.find(({ code }) => code === 'collision');
    const others = problems.filter(({ code }) => code !== 'collision');
    if (dropping === undefined) health.clear('forward-dropped');
    else health.set('forward-dropped', dropping.object);
    if (others[0] === undefined) health.clear('rules-differ');
    else health.set('rules-differ', others[0].message);
  };
  signal.addEventListener('abort', () => {
    tell([]);
  });
  return (problems) => {
    if (!signal.aborted) tell(problems);
  };
}

/**
 * Begins to keep the rules. A kernel without nf_tables tells of no changes: then the poll must do.
 * Throws FatalError `denied` without the privilege to listen, which is also the one to change anything.
 */
export function startRules({ logger, counters }: SetupParts, rules: TrafficRules): void {
  try {
    rules.keeper.start();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EPERM' || code === 'EACCES') {
      const message =
        'cannot listen for changes of the traffic rules: run flanneld as root or with CAP_NET_ADMIN';
      throw new FatalError('denied', message, { cause: error });
    }
    counters.increment('rulesFailed');
    logger.warn('changes of the traffic rules cannot be heard of, looking for them from time to time', {
      err: error,
    });
  }
}

/** Resolves when masquerading, where it is wanted, is in force. What else fails is told and retried meanwhile. */
export async function masqueradeInForce(
  { clock }: SetupParts,
  rules: TrafficRules | undefined,
  wanted: boolean,
  signal: AbortSignal,
): Promise<void> {
  while (wanted && rules?.keeper.problems.some(({ code }) => code === 'refused') === true) {
    await sleep(clock, 100, signal);
    signal.throwIfAborted();
  }
}

/** Removes the other mode's rules and upstream's. A failure is told and harmless: they are only superfluous. */
export async function cleanUpRules(
  { logger, counters }: SetupParts,
  rules: TrafficRules | undefined,
): Promise<void> {
  try {
    await rules?.cleanUp();
  } catch (error) {
    counters.increment('rulesFailed');
    logger.warn('rules of the other mode, or of upstream, could not be removed', { err: error });
  }
}
