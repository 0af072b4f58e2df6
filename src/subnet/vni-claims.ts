// Which VNI a network with `"VNI":"auto"` gets: what claims and the configs beside it say, and the choice. Pure; the
// transactions are etcd-vnis.ts.
//
//   <prefix>/vni                      7                          the network's number, the same for all its nodes
//   <parent of prefix>/.vnis/7        /flannel/networks/blue     whose the number is

import { readConfigFields } from './config-fields.js';
import { ConfigError, RegistryError } from './errors.js';
import { foldName } from './go-json.js';

/** VNIs have 24 bits; a claim is never 0, which many a device takes for "none". */
export const LAST_VNI = 2 ** 24 - 1;
/** What a vxlan network has that says nothing. */
const DEFAULT_VNI = 1;

/** The number in a claim's key or value, written as a claim writes it; undefined when it is none. */
export function readVni(text: string): number | undefined {
  if (!/^[1-9]\d{0,7}$/.test(text)) return undefined;
  const vni = Number(text);
  return vni <= LAST_VNI ? vni : undefined;
}

/** The VNI that a config asks for by number, or by saying nothing; undefined where it is no vxlan network or asks for none. */
export function explicitVni(config: string): number | undefined {
  try {
    const { type, options } = readConfigFields(config).backend;
    if (type !== 'vxlan') return undefined;
    const given = Object.entries(options).findLast(([name]) => foldName(name) === 'vni')?.[1] ?? DEFAULT_VNI;
    return typeof given === 'number' ? given : undefined;
  } catch (error) {
    // A config that cannot be read has no network running by it.
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** The lowest number that none of those has. Throws RegistryError when all are taken. */
export function lowestFree(operation: string, ...taken: readonly { has(vni: number): boolean }[]): number {
  for (let vni = 1; vni <= LAST_VNI; vni++) {
    if (!taken.some((some) => some.has(vni))) return vni;
  }
  throw new RegistryError(
    'vni',
    operation,
    `${operation}: every VNI is taken; delete claims of networks that are gone`,
  );
}

/** Where the claim of a network lies; see etcdKeys. */
interface ClaimKeys {
  readonly prefix: string;
  readonly vni: string;
  readonly vnis: string;
}

/** What a network has of a claim: one half of it may be lost, by `etcdctl del --prefix` or by hand. */
export interface OwnClaim {
  readonly vni: number;
  /** Whether `<prefix>/vni` says so. */
  readonly atPrefix: boolean;
  /** Whether `.vnis/<number>` says so; otherwise there is no such key. */
  readonly atNumber: boolean;
}

/**
 * The claim of a network, by the text of `<prefix>/vni` and by whose the numbers are; undefined when it has none.
 * Throws RegistryError when it is malformed, or the number another network's.
 */
export function readClaim(
  operation: string,
  keys: ClaimKeys,
  atPrefix: string | undefined,
  claims: ReadonlyMap<number, string>,
): OwnClaim | undefined {
  if (atPrefix === undefined) {
    for (const [vni, owner] of claims) {
      if (owner === keys.prefix) return { vni, atPrefix: false, atNumber: true };
    }
    return undefined;
  }
  const vni = readVni(atPrefix);
  if (vni === undefined) throw malformed(operation, keys, 'is no VNI in decimal digits');
  const owner = claims.get(vni);
  if (owner === undefined) return { vni, atPrefix: true, atNumber: false };
  if (owner === keys.prefix) return { vni, atPrefix: true, atNumber: true };
  const shown = JSON.stringify(owner.slice(0, 100));
  throw malformed(operation, keys, `is ${vni}, but by ${keys.vnis}${vni} that is the VNI of ${shown}`);
}

function malformed(operation: string, { vni: key }: ClaimKeys, why: string): RegistryError {
  const remedy = `once no node uses that network, remove the claim with: etcdctl del ${key}`;
  return new RegistryError('vni', operation, `${operation}: the value of ${key} ${why}; ${remedy}`);
}
