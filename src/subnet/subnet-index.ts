// Subnets by name, and which of them share an address with a given one, without comparing it with each of them.
// It knows no leases; what an overlap means is the caller's.

import {
  addressOf,
  cidrOf,
  FAMILIES,
  lengthOf,
  networkOf,
  overlaps,
  type Cidr,
  type Family,
  type PerFamily,
} from './cidr.js';

export class SubnetIndex {
  readonly #names = new Map<Cidr, Set<string>>();
  /** How many networks there are of each length. */
  readonly #lengths: Readonly<Record<Family, Map<number, number>>> = { 4: new Map(), 6: new Map() };

  add(subnets: PerFamily<Cidr>, name: string): void {
    for (const [family, network] of networksOf(subnets)) {
      const names = this.#names.get(network);
      if (names === undefined) this.#count(family, network, 1);
      this.#names.set(network, (names ?? new Set()).add(name));
    }
  }

  remove(subnets: PerFamily<Cidr>, name: string): void {
    for (const [family, network] of networksOf(subnets)) {
      const names = this.#names.get(network);
      if (names?.delete(name) !== true || names.size > 0) continue;
      this.#names.delete(network);
      this.#count(family, network, -1);
    }
  }

  /** The names under which a subnet lies that shares an address with one of these. */
  overlapping(subnets: PerFamily<Cidr>): ReadonlySet<string> {
    const found = networksOf(subnets).flatMap(([family, network]) => this.#overlapping(family, network));
    return new Set(found.flatMap((network) => [...(this.#names.get(network) ?? [])]));
  }

  #overlapping(family: Family, network: Cidr): readonly Cidr[] {
    const lengths = [...this.#lengths[family].keys()];
    // Of two networks that overlap, the longer lies in the shorter. What contains ours is ours cut to its length: one
    // look a length, and a cluster has one or two. Only what may lie in ours has to be searched for.
    return lengths.some((length) => length > lengthOf(network))
      ? [...this.#names.keys()].filter((other) => overlaps(other, network))
      : lengths.map((length) => networkOf(cidrOf(addressOf(network), length)));
  }

  #count(family: Family, network: Cidr, by: 1 | -1): void {
    const lengths = this.#lengths[family];
    const length = lengthOf(network);
    const count = (lengths.get(length) ?? 0) + by;
    if (count > 0) lengths.set(length, count);
    else lengths.delete(length);
  }
}

function networksOf(subnets: PerFamily<Cidr>): readonly (readonly [Family, Cidr])[] {
  return FAMILIES.flatMap((family) => {
    const subnet = subnets[family];
    return subnet === undefined ? [] : [[family, networkOf(subnet)] as const];
  });
}
