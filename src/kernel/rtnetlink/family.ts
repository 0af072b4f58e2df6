// The kernel's numbers for address families, and ours.

import type { Family } from '../../subnet/cidr.js';
import { AF } from './constants.js';

export function afOf(family: Family): number {
  return family === 4 ? AF.INET : AF.INET6;
}

/** Undefined for AF_UNSPEC, AF_BRIDGE, AF_MPLS, … */
export function familyOfAf(af: number): Family | undefined {
  return af === AF.INET ? 4 : af === AF.INET6 ? 6 : undefined;
}
