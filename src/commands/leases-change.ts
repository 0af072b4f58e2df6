// `flanneld leases reserve|release|revoke SUBNET`: what the store shows, what is to be done and what follows from it, a
// question, and one transaction. What it comes to is lease-actions.ts.

import { durationSeconds } from '../flanneld/duration.js';
import type { Options } from '../flanneld/flags.js';
import { parseIp, type Ip } from '../subnet/cidr.js';
import { isNodeId, NO_ADDRESS } from '../subnet/identity.js';
import { reserve } from '../subnet/reservations.js';
import type { CommandArguments, CommandIo } from './command.js';
import { confirm } from './confirm.js';
import { CommandError } from './errors.js';
import {
  releaseAction,
  reserveAction,
  revokeAction,
  type Holder,
  type LeaseAction,
  type LeaseChange,
} from './lease-actions.js';
import { subnetFacts, type LeaseView, type SubnetFacts } from './lease-subnet.js';
import { readLeases } from './leases-read.js';
import { withStore, type OpenedStore } from './open-store.js';
import { ETCD_FLAGS, NETWORK_FLAGS, readDaemonOptions } from './store-options.js';
import { planOf, theNetwork } from './store-networks.js';
import { lineOf } from './words.js';

type Decide = (facts: SubnetFacts, view: LeaseView) => LeaseAction;

/** All resolve to 0, and throw CommandError where nothing was changed. */
export function leasesReserve(args: CommandArguments, io: CommandIo): Promise<number> {
  const holder = holderIn(args);
  return change(args, io, 'reserve', () => (facts, view) => reserveAction(facts, view, holder));
}

export function leasesRelease(args: CommandArguments, io: CommandIo): Promise<number> {
  return change(args, io, 'release', (options) => {
    const ttlSeconds = ttlOf(options);
    return (facts, view) => releaseAction(facts, view, ttlSeconds);
  });
}

export function leasesRevoke(args: CommandArguments, io: CommandIo): Promise<number> {
  const seconds = markerSeconds(String(args['for']));
  return change(args, io, 'revoke', () => (facts, view) => revokeAction(facts, view, seconds), seconds);
}

async function change(
  args: CommandArguments,
  io: CommandIo,
  verb: string,
  decideBy: (options: Options) => Decide,
  seconds = 0,
): Promise<number> {
  const options = readDaemonOptions(args, io.env, [...ETCD_FLAGS, ...NETWORK_FLAGS]);
  const { name, prefix } = theNetwork(planOf(options), args['network'] as string | undefined);
  const json = args['json'] === true;
  return withStore(options, io, async (store) => {
    const view = await readLeases(store, prefix);
    const facts = subnetFacts(String(args['SUBNET']), view);
    const action = decideBy(options)(facts, view);
    const document = { network: name, prefix, subnet: facts.key, verb };
    if (action.kind === 'refused')
      throw new CommandError('command-failed', `network ${name}: ${action.text}`);
    if (action.kind === 'already-so') {
      io.out(json ? `${JSON.stringify({ ...document, changed: false })}\n` : `${action.text}\n`);
      return 0;
    }
    io.err(lineOf(`Network ${name} (${prefix}): ${action.text}.`));
    io.err(action.consequences.map((text) => `  ${lineOf(text)}`).join(''));
    await confirm(io, 'Do it?', args['yes'] === true);
    const ttlSeconds = action.change.kind === 'revoke' ? seconds : ttlOf(options);
    await carryOut(store, prefix, facts, action.change, ttlSeconds);
    io.out(
      json ? `${JSON.stringify({ ...document, changed: true, change: action.change.kind })}\n` : 'done\n',
    );
    return 0;
  });
}

async function carryOut(
  { admin, registryOf }: OpenedStore,
  prefix: string,
  { key, subnets, used, revoked }: SubnetFacts,
  step: LeaseChange,
  seconds: number,
): Promise<void> {
  const registry = registryOf(prefix);
  switch (step.kind) {
    case 'create': {
      const { nodeId, publicIp } = step.holder;
      const known = publicIp ?? (nodeId === undefined ? undefined : await addressOf(registry, nodeId));
      const holder = { publicIp: known ?? NO_ADDRESS, ...(nodeId === undefined ? {} : { nodeId }) };
      await reserve(registry, subnets, holder);
      return;
    }
    case 'make-lasting':
      return admin.makeLasting(prefix, step.record);
    case 'make-ending':
      return admin.makeEnding(prefix, step.record, seconds);
    case 'remove':
      return registry.remove(step.record, true);
    case 'revoke':
      return registry.revoke(step.record, seconds);
    case 'forget':
      return admin.forget(prefix, { key, used, revoked });
  }
}

/** The address that a node announces, for people and for upstream's nodes; it is known by its id anyway. */
async function addressOf(
  registry: ReturnType<OpenedStore['registryOf']>,
  nodeId: string,
): Promise<Ip | undefined> {
  const presence = await registry.nodes.read(nodeId);
  return presence === undefined ? undefined : parseIp(presence.publicIp);
}

function holderIn(args: CommandArguments): Holder {
  const [nodeId, address] = [args['node-id'], args['public-ip']] as readonly (string | undefined)[];
  if (nodeId !== undefined && !isNodeId(nodeId))
    throw new CommandError(
      'command-usage',
      `--node-id ${JSON.stringify(nodeId.slice(0, 80))} is no node id; see \`flanneld leases list\``,
    );
  const publicIp = address === undefined ? undefined : parseIp(address);
  if (address !== undefined && (publicIp === undefined || publicIp.includes(':')))
    throw new CommandError(
      'command-usage',
      `--public-ip ${JSON.stringify(address.slice(0, 80))} is no IPv4 address`,
    );
  return { ...(nodeId === undefined ? {} : { nodeId }), ...(publicIp === undefined ? {} : { publicIp }) };
}

function ttlOf(options: Options): number {
  return Math.round(durationSeconds(options['subnet-lease-ttl']) ?? 86_400);
}

/** etcd takes no lease of less than its election timeout, and nobody waits for a year. */
function markerSeconds(text: string): number {
  const seconds = durationSeconds(text);
  if (seconds !== undefined && seconds >= 10 && seconds <= 31_536_000) return Math.round(seconds);
  throw new CommandError(
    'command-usage',
    `--for ${JSON.stringify(text.slice(0, 40))} is no duration from 10s to 8760h`,
  );
}
