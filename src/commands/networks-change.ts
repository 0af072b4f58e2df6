// `flanneld networks add|remove|set NAME`: the config that is to stand, what hosts make of it, a question, and one
// transaction. What hosts make of it is network-actions.ts.

import type { NetworkPlan } from '../flanneld/network-options.js';
import { ConfigError } from '../subnet/errors.js';
import type { NetworkConfig } from '../subnet/network-config.js';
import type { CommandArguments, CommandIo } from './command.js';
import { assignmentOf, placedFault, withAssignments, type Assignment } from './config-text.js';
import { configText } from './config-words.js';
import { confirm } from './confirm.js';
import { CommandError } from './errors.js';
import {
  addConsequences,
  conflictsOf,
  removeConsequences,
  setConsequences,
  type KnownBy,
} from './network-actions.js';
import { configChange, readConfig } from './open-configs.js';
import { withStore, type OpenedStore } from './open-store.js';
import { readInput } from './read-input.js';
import { ETCD_FLAGS, NETWORK_FLAGS, readDaemonOptions } from './store-options.js';
import { planOf, storedNetworks, theNetwork, type NetworkPlace } from './store-networks.js';
import { lineOf } from './words.js';

/** What a change is made on. */
interface Scene {
  readonly store: OpenedStore;
  readonly plan: NetworkPlan;
  readonly place: NetworkPlace;
  readonly knownBy: KnownBy;
}

/** Resolves to 0. Throws CommandError; then nothing was written. */
export async function networksAdd(args: CommandArguments, io: CommandIo): Promise<number> {
  const text = await newConfig(args, io);
  const config = checked(text, (args['file'] as string | undefined) ?? 'the config');
  return inScene(args, io, async ({ store, plan, place, knownBy }) => {
    const { admin, registryOf } = store;
    if ((await admin.config(place.prefix)) !== undefined)
      throw new CommandError(
        'command-failed',
        `network ${place.name} has a config already; change it with: flanneld networks set ${place.name}`,
      );
    const { records } = await registryOf(place.prefix).list();
    tell(io, `Network ${place.name} (${place.prefix}): add ${configText(config)}.`, [
      ...addConsequences(knownBy, records.length),
      ...(await conflicts(store, plan, place, config)),
    ]);
    await confirm(io, 'Write it?', args['yes'] === true);
    const modRevision = await admin.putConfig(place.prefix, text, 0n);
    done(args, io, {
      network: place.name,
      prefix: place.prefix,
      changed: true,
      modRevision: String(modRevision),
    });
  });
}

export async function networksRemove(args: CommandArguments, io: CommandIo): Promise<number> {
  return inScene(args, io, async ({ store, place, knownBy }) => {
    const { admin, registryOf, releaseVni } = store;
    const config = await admin.config(place.prefix);
    if (config === undefined) throw noConfig(place);
    const [{ records }, alive] = await Promise.all([
      registryOf(place.prefix).list(),
      admin.presences(place.prefix),
    ]);
    tell(
      io,
      `Network ${place.name} (${place.prefix}): delete its config.`,
      removeConsequences(knownBy, records.length, alive.size),
    );
    await confirm(io, 'Delete it?', args['yes'] === true);
    await admin.removeConfig(place.prefix, config.modRevision);
    // Hosts give the VNI back with their leases; where there is none, nobody does.
    await releaseVni(place.prefix);
    done(args, io, { network: place.name, prefix: place.prefix, changed: true });
  });
}

export async function networksSet(args: CommandArguments, io: CommandIo): Promise<number> {
  const words = (args['KEY=VALUE'] as readonly string[] | undefined) ?? [];
  const file = args['file'] as string | undefined;
  if ((words.length === 0) === (file === undefined))
    throw new CommandError('command-usage', 'give fields as KEY=VALUE, or the whole config with --file');
  const assignments = words.map(assignmentOf);
  const whole = file === undefined ? undefined : await readInput(file, io);
  return inScene(args, io, (scene) => setConfig(args, io, scene, { assignments, whole, file }));
}

async function setConfig(
  args: CommandArguments,
  io: CommandIo,
  { store, plan, place }: Scene,
  given: {
    readonly assignments: readonly Assignment[];
    readonly whole: string | undefined;
    readonly file: string | undefined;
  },
): Promise<void> {
  const { admin } = store;
  const before = await admin.config(place.prefix);
  if (before === undefined) throw noConfig(place);
  const text = given.whole ?? withAssignments(before.text, given.assignments);
  const config = checked(text, given.file ?? 'the config with that');
  if (text === before.text) {
    done(args, io, { network: place.name, prefix: place.prefix, changed: false });
    return;
  }
  const alive = (await admin.presences(place.prefix)).size;
  const standing = readable(before.text);
  const change = standing === undefined ? undefined : configChange(standing, config);
  const words =
    change === undefined
      ? ['The config that stands cannot be used by any host; this one can.']
      : setConsequences(change, alive);
  tell(io, `Network ${place.name} (${place.prefix}): ${configText(config)}.`, [
    ...words,
    ...(await conflicts(store, plan, place, config)),
  ]);
  if (change?.kind === 'refused' && args['force'] !== true)
    throw new CommandError(
      'command-failed',
      'hosts that run the network refuse it; --force writes it all the same',
    );
  await confirm(io, 'Write it?', args['yes'] === true);
  const modRevision = await admin.putConfig(place.prefix, text, before.modRevision);
  const what = { change: change?.kind ?? 'mended', modRevision: String(modRevision) };
  done(args, io, { network: place.name, prefix: place.prefix, changed: true, ...what });
}

function inScene(
  args: CommandArguments,
  io: CommandIo,
  action: (scene: Scene) => Promise<void>,
): Promise<number> {
  const options = readDaemonOptions(args, io.env, [...ETCD_FLAGS, ...NETWORK_FLAGS]);
  const plan = planOf(options);
  const place = theNetwork(plan, String(args['NAME']));
  const isNamed = plan.named.some(({ prefix }) => prefix === place.prefix);
  return withStore(options, io, async (store) => {
    await action({ store, plan, place, knownBy: isNamed ? 'command-line' : 'folder' });
    return 0;
  });
}

/** The config of `add`: a file, or the options that stand for fields. */
async function newConfig(args: CommandArguments, io: CommandIo): Promise<string> {
  const file = args['file'] as string | undefined;
  const fields: readonly (readonly [string, string])[] = [
    ['network-range', 'Network'],
    ['subnet-len', 'SubnetLen'],
    ['backend', 'Backend.Type'],
    ['vni', 'Backend.VNI'],
    ['port', 'Backend.Port'],
  ];
  const given = fields.filter(([option]) => args[option] !== undefined);
  if (file !== undefined && given.length > 0)
    throw new CommandError(
      'command-usage',
      `--file has the whole config; leave out --${given[0]?.[0] ?? ''}`,
    );
  if (file !== undefined) return readInput(file, io);
  if (args['network-range'] === undefined)
    throw new CommandError('command-usage', 'give the config with --file, or at least --network-range');
  const words = given.map(([option, field]) => assignmentOf(`${field}=${String(args[option])}`));
  const backend = args['backend'] === undefined ? [assignmentOf('Backend.Type=vxlan')] : [];
  return withAssignments('{}', [...words, ...backend]);
}

/** Throws CommandError with the place of the fault. */
function checked(text: string, what: string): NetworkConfig {
  try {
    return readConfig(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandError('command-failed', `${what}: ${placedFault(text, error)}`, { cause: error });
  }
}

function readable(text: string): NetworkConfig | undefined {
  try {
    return readConfig(text);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

async function conflicts(
  store: OpenedStore,
  plan: NetworkPlan,
  place: NetworkPlace,
  config: NetworkConfig,
): Promise<readonly string[]> {
  const found = conflictsOf(place, config, await storedNetworks(store, plan));
  return found.map((text) => `Warning: a host that has both refuses the later one: ${text}.`);
}

function noConfig({ name, prefix }: NetworkPlace): CommandError {
  return new CommandError(
    'command-failed',
    `network ${name} has no config at ${prefix}/config; see \`flanneld networks list\``,
  );
}

function tell(io: CommandIo, headline: string, consequences: readonly string[]): void {
  io.err(lineOf(headline) + consequences.map((text) => `  ${lineOf(text)}`).join(''));
}

function done(args: CommandArguments, io: CommandIo, document: Readonly<Record<string, unknown>>): void {
  io.out(
    args['json'] === true
      ? `${JSON.stringify(document)}\n`
      : document['changed'] === true
        ? 'done\n'
        : 'nothing to change\n',
  );
}
