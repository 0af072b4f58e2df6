// `flanneld cleanup`: what there is of ours on this host, the plan, a question, and its carrying out. What goes and what
// stays is cleanup-plan.ts.

import { readNodeId } from '../state/node-id.js';
import { StateError } from '../state/errors.js';
import type { Logger } from '../logger.js';
import type { Options } from '../flanneld/flags.js';
import { subnetText } from '../subnet/subnets.js';
import { carryOutPlan, type Outcome } from './cleanup-apply.js';
import type { HostFacts, LeaseFact } from './cleanup-facts.js';
import { leftNetworks, type LeftNetwork } from './cleanup-networks.js';
import { cleanupPlan, type CleanupPlan } from './cleanup-plan.js';
import { readHost } from './cleanup-read.js';
import type { CommandArguments, CommandIo } from './command.js';
import { confirm } from './confirm.js';
import { CommandError } from './errors.js';
import { withHost, type OpenedHost } from './open-kernel.js';
import { withStore, type OpenedStore } from './open-store.js';
import { ETCD_FLAGS, NETWORK_FLAGS, readDaemonOptions } from './store-options.js';
import { planOf } from './store-networks.js';
import { counted, lineOf } from './words.js';

const SOCKET_FOLDER = '/run/flannel';

/**
 * Resolves to 0 when everything of ours that may go is gone (or was shown), to 1 when something could not be removed or
 * a living daemon has a network. Throws CommandError.
 */
export async function cleanup(args: CommandArguments, io: CommandIo): Promise<number> {
  const options = readDaemonOptions(args, io.env, [
    ...ETCD_FLAGS,
    ...NETWORK_FLAGS,
    ...(['subnet-file', 'subnet-dir', 'state-dir', 'node-id'] as const),
  ]);
  return withHost(io, async (host) => {
    if (args['release'] !== true) return run(args, io, options, host, undefined);
    return withStore(options, io, (store) => run(args, io, options, host, store));
  });
}

async function run(
  args: CommandArguments,
  io: CommandIo,
  options: Options,
  host: OpenedHost,
  store: OpenedStore | undefined,
): Promise<number> {
  const network = args['network'] as string | undefined;
  const looked = await readHost(host, {
    subnetDir: options['subnet-dir'],
    subnetFile: options['subnet-file'],
    stateDir: options['state-dir'],
    socketFolder: SOCKET_FOLDER,
  });
  const facts: HostFacts = { ...looked, leases: [] };
  const known = leftNetworks(facts);
  if (network !== undefined && !known.some(({ name }) => name === network)) throw unknown(network, known);
  const { leases, notes } =
    store === undefined
      ? { leases: [], notes: [] }
      : await ownLeases(store, options, host.logger, { states: facts.states, known });
  const plan = cleanupPlan(
    { ...facts, leases, unseen: [...facts.unseen, ...notes] },
    { network, keepState: args['keep-state'] === true },
  );
  tell(plan, io);
  const isDry = args['dry-run'] === true;
  if (plan.steps.length > 0 && !isDry) {
    refuseUpstream(facts);
    if (args['json'] !== true || args['yes'] !== true) io.err(stepsText(plan, 'to be removed'));
    await confirm(io, `Remove ${counted(plan.steps.length, 'object')}?`, args['yes'] === true);
  }
  const outcomes = isDry
    ? plan.steps.map((step): Outcome => ({ step, failure: undefined }))
    : await carryOutPlan(host, (lease) => giveBack(store, lease), plan.steps);
  report(args, io, plan, outcomes, isDry);
  return plan.refused.length > 0 || outcomes.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

/** What is not removed, and why, before anything else. */
function tell({ refused, left }: CleanupPlan, io: CommandIo): void {
  for (const { network, reason } of refused)
    io.err(
      lineOf(
        `flanneld: network ${network} is run by ${reason}; stop it first (systemctl stop flanneld), or leave a network of etcd with: flanneld networks remove ${network}`,
      ),
    );
  for (const text of left) io.err(lineOf(`flanneld: ${text}`));
}

function stepsText({ steps }: CleanupPlan, what: string): string {
  return `${what}:\n${steps.map(({ object }) => `  ${lineOf(object)}`).join('')}`;
}

/** Upstream's daemon takes over devices and files that it finds, alias and all. */
function refuseUpstream({ upstream }: HostFacts): void {
  if (upstream.length === 0) return;
  throw new CommandError(
    'command-failed',
    `upstream’s flanneld runs on this host (process ${upstream.join(', ')}) and may use what we have left; stop it, clean up, and start it again`,
  );
}

function report(
  args: CommandArguments,
  io: CommandIo,
  { refused, left }: CleanupPlan,
  outcomes: readonly Outcome[],
  isDry: boolean,
): void {
  const failed = outcomes.filter(({ failure }) => failure !== undefined);
  for (const { step, failure } of failed)
    io.err(lineOf(`flanneld: ${step.object} could not be removed: ${failure ?? ''}`));
  if (args['json'] === true) {
    const steps = outcomes.map(({ step, failure }) => ({
      ...{ network: step.network, object: step.object },
      removed: !isDry && failure === undefined,
      ...(failure === undefined ? {} : { failure }),
    }));
    io.out(`${JSON.stringify({ dryRun: isDry, steps, refused, left }, undefined, 2)}\n`);
    return;
  }
  const verb = isDry ? 'would remove' : 'removed';
  for (const { step, failure } of outcomes)
    if (failure === undefined) io.out(lineOf(`${verb} ${step.object}`));
  if (outcomes.length === 0) io.out('nothing of flanneld’s is left to remove\n');
}

function unknown(network: string, known: readonly LeftNetwork[]): CommandError {
  const names = known.map(({ name }) => name).join(', ');
  const there = names === '' ? 'nothing of any network is left' : `there is something of ${names}`;
  return new CommandError(
    'command-failed',
    `nothing of network ${JSON.stringify(network)} is left on this host; ${there}`,
  );
}

/** The leases in etcd that carry this node's id, and why others are not given back. */
async function ownLeases(
  { registryOf, admin }: OpenedStore,
  options: Options,
  logger: Logger,
  { states, known }: Pick<HostFacts, 'states'> & { readonly known: readonly LeftNetwork[] },
): Promise<{ readonly leases: readonly LeaseFact[]; readonly notes: readonly string[] }> {
  const plan = planOf(options);
  const here = await nodeIdHere(options, logger);
  const leases: LeaseFact[] = [];
  const notes: string[] = [];
  for (const { name, prefix: left, runBy } of known) {
    if (runBy !== undefined) continue;
    const prefix = left ?? plan.named.find((named) => named.name === name)?.prefix;
    const nodeId = states.find(({ network }) => network === name)?.nodeId ?? here;
    if (prefix === undefined || nodeId === undefined) {
      notes.push(
        `the lease of network ${name} is not given back: nothing tells its prefix in etcd or this node’s id`,
      );
      continue;
    }
    const [{ records }, alive] = await Promise.all([registryOf(prefix).list(), admin.presences(prefix)]);
    const own = records.filter(({ attributes }) => attributes.nodeId === nodeId);
    // Another host with this id, a daemon that cannot be seen from here, or one that was killed a moment ago.
    if (alive.has(nodeId))
      notes.push(
        `the lease of network ${name} is not given back: node ${nodeId} counts as alive; if it was killed, try again in 30 s`,
      );
    else
      leases.push(
        ...own.map((record) => ({ network: name, prefix, subnet: subnetText(record.subnets), record })),
      );
  }
  return { leases, notes };
}

/** Undefined where none was ever made: then no lease can carry it. */
async function nodeIdHere(options: Options, logger: Logger): Promise<string | undefined> {
  try {
    const { nodeId } = await readNodeId({
      given: options['node-id'],
      stateDir: options['state-dir'],
      randomBytes: () => {
        throw new StateError('node-id', 'none is made here');
      },
      logger,
    });
    return nodeId;
  } catch (error) {
    if (error instanceof StateError) return undefined;
    throw error;
  }
}

async function giveBack(store: OpenedStore | undefined, { prefix, record }: LeaseFact): Promise<void> {
  await store?.registryOf(prefix).remove(record, true);
}
