// What becomes of a network that runs when its config is another one: what can change as it runs, what needs it to begin
// anew and so an explicit "Replace": true, and what is refused. Pure; which backend options are which, the backend says.

import { FAMILIES, ipToNumber, type Family } from './cidr.js';
import type { FamilyConfig } from './config-range.js';
import type { NetworkConfig } from './network-config.js';

/** How two configs of one backend differ: by the names of the options, in words for people. */
export interface OptionChange {
  /** What a running network takes over. */
  readonly live: readonly string[];
  /** What needs another device or another packet engine. */
  readonly anew: readonly string[];
}

export type ConfigChange =
  /** Nothing that makes a difference; `what` is empty. */
  | { readonly kind: 'same'; readonly what: readonly string[] }
  | { readonly kind: 'live'; readonly what: readonly string[] }
  /** Asked for with "Replace": true. */
  | { readonly kind: 'anew'; readonly what: readonly string[] }
  /** `what` are whole reasons. */
  | { readonly kind: 'refused'; readonly what: readonly string[] };

/**
 * Compares the config a network runs by with the one that stands in the store now. `options` compares two configs of
 * the backend that both name.
 */
export function compareConfigs(
  before: NetworkConfig,
  after: NetworkConfig,
  options: (before: NetworkConfig, after: NetworkConfig) => OptionChange,
): ConfigChange {
  const refused = FAMILIES.flatMap((family) =>
    rangeRefusals(family, before.enabled[family], after.enabled[family]),
  );
  const live = [
    ...FAMILIES.flatMap((family) => poolGrowth(before, after, family)),
    ...switches(before, after),
  ];
  const anew: string[] = [];
  if (before.enableNFTables !== after.enableNFTables) anew.push('EnableNFTables');
  if (before.backend.type !== after.backend.type) {
    anew.push(`Backend.Type from ${before.backend.type} to ${after.backend.type}`);
  } else {
    const change = options(before, after);
    live.push(...change.live);
    anew.push(...change.anew);
  }
  if (refused.length > 0) return { kind: 'refused', what: refused };
  if (anew.length > 0 && !after.replace) return { kind: 'refused', what: anew.map(needsReplace) };
  if (anew.length > 0) return { kind: 'anew', what: [...anew, ...live] };
  return live.length > 0 ? { kind: 'live', what: live } : { kind: 'same', what: [] };
}

function needsReplace(what: string): string {
  return `${what} is another one, for which pods lose their connections: add "Replace": true to the config if that is meant`;
}

function rangeRefusals(
  family: Family,
  before: FamilyConfig | undefined,
  after: FamilyConfig | undefined,
): readonly string[] {
  if (before === undefined && after === undefined) return [];
  const remedy = 'delete the network and put it anew, or restart every flanneld';
  if (before === undefined || after === undefined) {
    return [
      `IPv${family} cannot be switched ${after === undefined ? 'off' : 'on'} while the network runs: ${remedy}`,
    ];
  }
  const texts = [
    before.network === after.network ? undefined : `Network ${before.network} cannot become ${after.network}`,
    before.subnetLen === after.subnetLen
      ? undefined
      : `SubnetLen ${before.subnetLen} cannot become ${after.subnetLen}`,
  ].filter((text) => text !== undefined);
  if (texts.length > 0) return texts.map((text) => `${text} while the network runs: ${remedy}`);
  return shrinks(before, after)
    ? [
        `SubnetMin and SubnetMax can only let more subnets in, and ${after.subnetMin} to ${after.subnetMax} is not all of ${before.subnetMin} to ${before.subnetMax}: a node may have what is left out`,
      ]
    : [];
}

function shrinks(before: FamilyConfig, after: FamilyConfig): boolean {
  return (
    ipToNumber(after.subnetMin) > ipToNumber(before.subnetMin) ||
    ipToNumber(after.subnetMax) < ipToNumber(before.subnetMax)
  );
}

function poolGrowth(before: NetworkConfig, after: NetworkConfig, family: Family): readonly string[] {
  const [was, is] = [before.enabled[family], after.enabled[family]];
  if (was === undefined || is === undefined) return [];
  return was.subnetMin === is.subnetMin && was.subnetMax === is.subnetMax
    ? []
    : [`subnets from ${is.subnetMin} to ${is.subnetMax}`];
}

function switches(before: NetworkConfig, after: NetworkConfig): readonly string[] {
  return [
    ...(before.ipMasq === after.ipMasq ? [] : ['IPMasq']),
    ...(before.isolated === after.isolated ? [] : ['Isolated']),
  ];
}
