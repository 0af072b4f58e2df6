// Which networks a command is about: those that the daemon's flags name, and those of etcd below -networks-prefix.
// It reads configs, and changes nothing.

import { networkPlan, type NetworkPlan } from '../flanneld/network-options.js';
import type { Options } from '../flanneld/flags.js';
import { isNetworkName } from '../subnet/network-names.js';
import type { ConfigText } from '../subnet/registry.js';
import { CommandError } from './errors.js';
import type { OpenedStore } from './open-store.js';
import { asUsage } from './store-options.js';

export interface NetworkPlace {
  readonly name: string;
  readonly prefix: string;
}

export interface StoredNetwork extends NetworkPlace {
  /** Undefined where there is none. */
  readonly config: ConfigText | undefined;
}

/** What the flags say. Throws CommandError. */
export function planOf(options: Options): NetworkPlan {
  return asUsage(() => networkPlan(options));
}

/** The one network that a change is to be made to. Throws CommandError `command-usage` where that is not clear. */
export function theNetwork(plan: NetworkPlan, wanted: string | undefined): NetworkPlace {
  const { named, networksPrefix } = plan;
  if (wanted === undefined) {
    const [only] = named;
    if (only !== undefined && named.length === 1 && networksPrefix === undefined) return placeOf(only);
    throw new CommandError(
      'command-usage',
      'which network? say it with --network; see `flanneld networks list`',
    );
  }
  const known = named.find(({ name }) => name === wanted);
  if (known !== undefined) return placeOf(known);
  if (networksPrefix === undefined) {
    const names = named.map(({ name }) => name).join(', ');
    throw new CommandError(
      'command-usage',
      `there is no network ${JSON.stringify(wanted)}, only ${names}; networks of etcd need --networks-prefix`,
    );
  }
  if (!isNetworkName(wanted)) throw new CommandError('command-usage', `${JSON.stringify(wanted)} ${NO_NAME}`);
  return placeOf(plan.found(wanted));
}

const NO_NAME = 'is no name for a network: take a to z, 0 to 9 and - (not first or last), 32 at most';

/** All networks with their configs, or the wanted one. Rejects with RegistryError; throws CommandError. */
export async function storedNetworks(
  { admin }: Pick<OpenedStore, 'admin'>,
  plan: NetworkPlan,
  wanted?: string,
): Promise<readonly StoredNetwork[]> {
  if (wanted !== undefined) {
    const place = theNetwork(plan, wanted);
    return [{ ...place, config: await admin.config(place.prefix) }];
  }
  const named = await Promise.all(
    plan.named.map(async (network) => ({ ...placeOf(network), config: await admin.config(network.prefix) })),
  );
  const listed = plan.networksPrefix === undefined ? [] : await admin.networks(plan.networksPrefix);
  const found = listed
    .filter(({ refused }) => refused === undefined)
    .map(({ name, config }) => ({ ...placeOf(plan.found(name)), config }));
  return [...named, ...found];
}

function placeOf({ name, prefix }: NetworkPlace): NetworkPlace {
  return { name, prefix };
}
