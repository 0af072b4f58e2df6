// What `networks add`, `remove` and `set` lead to on hosts, in words, by what the store shows. Pure.

import { conflictOf } from '../flanneld/host-places.js';
import type { ConfigChange } from '../subnet/config-change.js';
import { ConfigError } from '../subnet/errors.js';
import type { NetworkConfig } from '../subnet/network-config.js';
import { placeIn, readConfig } from './open-configs.js';
import type { NetworkPlace, StoredNetwork } from './store-networks.js';
import { counted } from './words.js';

/** How hosts know of a network: by a key below -networks-prefix, or because their command line names it. */
export type KnownBy = 'folder' | 'command-line';

/** What is in the way of a config beside the others: hosts that have both refuse the later one. */
export function conflictsOf(
  { name, prefix }: NetworkPlace,
  config: NetworkConfig,
  others: readonly StoredNetwork[],
): readonly string[] {
  const place = placeIn(name, config);
  return others
    .filter((other) => other.prefix !== prefix)
    .flatMap((other) => {
      const read = other.config === undefined ? undefined : attempt(other.config.text);
      return read === undefined ? [] : (conflictOf(place, placeIn(other.name, read)) ?? []);
    });
}

/** A config that no host can use has no place on one. */
function attempt(text: string): NetworkConfig | undefined {
  try {
    return readConfig(text);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

export function addConsequences(knownBy: KnownBy, leases: number): readonly string[] {
  return [
    knownBy === 'folder'
      ? 'Every host whose flanneld follows this -networks-prefix joins it within two seconds.'
      : 'Hosts whose flanneld has this -etcd-prefix, and waits for a config, begin with it at once.',
    ...(leases === 0
      ? []
      : [
          `${counted(leases, 'lease')} of an earlier network lie there: their nodes get those subnets again where they fit.`,
        ]),
  ];
}

export function removeConsequences(knownBy: KnownBy, leases: number, alive: number): readonly string[] {
  const nodes = `${counted(leases, 'node has a lease', 'nodes have leases')} of it, and ${alive} of them run.`;
  return knownBy === 'folder'
    ? [
        nodes,
        'Each goes on for its -network-grace (10 s unless it says otherwise; putting the config again keeps the network), then until no pod uses the network; with -network-remove=force it does not wait for pods.',
        'Then its env file, routes, device, rules and lease go.',
      ]
    : [
        nodes,
        'Their command lines name the network, so it goes on there, degraded (config-gone), until flanneld is started without it; `flanneld cleanup` then removes what is left.',
      ];
}

/** What hosts that run the network make of its other config. */
export function setConsequences(change: ConfigChange, alive: number): readonly string[] {
  const hosts = counted(alive, 'host that runs it', 'hosts that run it');
  switch (change.kind) {
    case 'same':
      return ['Nothing in it makes a difference to a host.'];
    case 'live':
      return [`Taken over as it runs, by ${hosts}: ${change.what.join('; ')}.`];
    case 'anew':
      return [
        `The network begins anew on ${hosts}, with the same subnets, and pods lose connections for a moment: ${change.what.join('; ')}.`,
      ];
    case 'refused':
      return [
        `Refused by ${hosts}, until they are restarted: ${change.what.join('; ')}.`,
        'They go on as they are, degraded (config-refused); a host that starts anew takes it, and may not reach the others then.',
      ];
  }
}
