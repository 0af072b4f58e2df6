// The subnets of a lease, of one family or both, against each other. Pure; the arithmetic is cidr.ts.

import { FAMILIES, networkOf, overlaps, type Cidr, type PerFamily } from './cidr.js';

/** The subnets without host bits. */
export function masked({ 4: v4, 6: v6 }: PerFamily<Cidr>): PerFamily<Cidr> {
  return { ...(v4 && { 4: networkOf(v4) }), ...(v6 && { 6: networkOf(v6) }) };
}

/** `10.5.9.0/24`; both of a lease of two families, a blank between. */
export function subnetText(subnets: PerFamily<Cidr>): string {
  return FAMILIES.flatMap((family) => subnets[family] ?? []).join(' ');
}

/** Whether they have an address in common. */
export function shareAddresses(a: PerFamily<Cidr>, b: PerFamily<Cidr>): boolean {
  return FAMILIES.some((family) => {
    const [left, right] = [a[family], b[family]];
    return left !== undefined && right !== undefined && overlaps(left, right);
  });
}
