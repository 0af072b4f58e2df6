// Traffic rules as plain data: what a network wants of the packet filter, and the interface of what carries it out.
// The interface only. nftables/ and iptables/ implement it; which of them is used is decided in compose.ts.

import type { Cidr, Family, Ip } from '../subnet/cidr.js';
import type { Problem } from './problem.js';

/** Who may send into the tunnel: peers only (`on`), peers with inner sources of the overlay (`strict`), anybody. */
export type PeerFilterMode = 'on' | 'strict' | 'off';

/** The tunnel whose port only peers may use. */
export interface FilteredTunnel {
  /** The device that decapsulates: `flannel.1`. */
  readonly device: string;
  /** UDP destination port. */
  readonly port: number;
  /** The VXLAN network identifier; undefined where the whole port is ours (udp). */
  readonly vni?: number;
}

/** The rules of one network and one family. Equal values mean equal rules. */
export interface WantedRules {
  /** Names tables and chains. */
  readonly network: string;
  readonly family: Family;
  /** The whole overlay. */
  readonly range: Cidr;
  /** This node's subnet. */
  readonly subnet: Cidr;
  /** Masquerade what leaves the overlay (-ip-masq); undefined for not. */
  readonly masquerade?: { readonly fullyRandom: boolean } | undefined;
  /**
   * Accept forwarded traffic of the overlay (-iptables-forward-rules); `elsewhere` where another engine does, whose
   * chains in table `filter` are then left alone.
   */
  readonly forward: boolean | 'elsewhere';
  readonly filter: PeerFilterMode;
  /** Absent where packets are not encapsulated (host-gw); then there is nothing to filter by port. */
  readonly tunnel?: FilteredTunnel;
  /** The peers' public addresses; kept in a set, element by element. */
  readonly peers: ReadonlySet<Ip>;
}

/** Who may send to us: peers are let in before routes lead to them, and put out when none does any more. */
export interface PeerGate {
  /** Lets these in besides those that are. Never rejects. */
  admit(peers: ReadonlySet<Ip>): Promise<void>;
  /** Lets in these and nobody else. Never rejects. */
  withdraw(peers: ReadonlySet<Ip>): Promise<void>;
}

/** What an engine did. `changes` is 0 when everything was as wanted: then nothing was sent. */
export interface RulesOutcome {
  readonly changes: number;
  readonly problems: readonly Problem[];
}

/**
 * Where to look for what is not as wanted: `everywhere`, or only where a change was heard of since the last look.
 * What nobody heard of is then taken for as it was.
 */
export type Look = 'everywhere' | 'where-heard';

/** One way to carry out rules. Rejects with RulesError when its tool is missing, too old, hangs or refuses. */
export interface RuleEngine {
  readonly name: 'nftables' | 'iptables';
  /** Makes the rules so, in one transaction, from a listing; touches nothing that is right. */
  apply(wanted: WantedRules, look?: Look): Promise<RulesOutcome>;
  /** Removes every rule of the network in this engine; resolves to whether there was any. */
  remove(network: string, family: Family): Promise<boolean>;
}

/**
 * - `tool-missing`, `tool-unusable`: nft or iptables is not there, or too old; the message names the package.
 * - `tool-timeout`: it did not end in time and was killed (a locked xtables, for instance).
 * - `tool-refused`: it ended with an error, quoted in the message.
 */
export type RulesErrorCode = 'tool-missing' | 'tool-unusable' | 'tool-timeout' | 'tool-refused';

export class RulesError extends Error {
  readonly code: RulesErrorCode;

  constructor(code: RulesErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RulesError';
    this.code = code;
  }
}
