// A table as it should be, in plain data: what table.ts and isolation-table.ts make and transaction.ts compares.
// Types, and the few words about the elements of sets that making and comparing need alike.

import {
  addressBits,
  addressOf,
  familyOf,
  lengthOf,
  networkOf,
  parseCidr,
  parseIp,
} from '../../subnet/cidr.js';
import type { Cidr } from '../../subnet/cidr.js';
import { isDeviceName, type Rule } from './expression.js';
import type { NftFamily } from './names.js';

/** Where a chain meets packets. */
interface Base {
  readonly type: 'nat' | 'filter';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'postrouting';
  /** The number and nft's word for it. */
  readonly priority: number;
  readonly priorityText: string;
}

export interface WantedChain {
  readonly name: string;
  readonly comment: string;
  /** Absent in a chain that others lead to. */
  readonly base?: Base;
  readonly rules: readonly Rule[];
}

/** A set, or with `verdicts` a map to them. */
export interface WantedSet {
  readonly name: string;
  readonly of: ElementType;
  /** Elements may be prefixes, and then none overlaps another. */
  readonly interval: boolean;
  readonly verdicts: boolean;
  /** Each with its verdict, as `jump blue`, or with nothing. */
  readonly elements: ReadonlyMap<string, string>;
}

export interface WantedTable {
  readonly family: NftFamily;
  readonly name: string;
  readonly comment: string;
  readonly chains: readonly WantedChain[];
  readonly counters: readonly string[];
  readonly sets: readonly WantedSet[];
  /** Whether an earlier wish may have left this: then it is taken out, else somebody meddled and the table is made anew. */
  readonly ours: (kind: 'chain' | 'counter' | 'set', name: string) => boolean;
}

export type ElementType = keyof typeof ELEMENTS;

/** Each type of element: which texts are one, and how it is sent. What is none cannot be named to take it out. */
export const ELEMENTS = {
  ipv4_addr: { is: isPrefix, text: plain },
  ipv6_addr: { is: isPrefix, text: plain },
  ifname: { is: isDeviceName, text: (name: string): string => `"${name}"` },
} as const;

export function addressType(family: NftFamily): ElementType {
  return family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
}

/** A prefix as nft lists it: a single address without its length. */
export function prefixElement(prefix: Cidr): string {
  const network = networkOf(prefix);
  return lengthOf(network) === addressBits(familyOf(network)) ? addressOf(network) : network;
}

function isPrefix(text: string): boolean {
  return parseIp(text) !== undefined || parseCidr(text) !== undefined;
}

function plain(text: string): string {
  return text;
}
