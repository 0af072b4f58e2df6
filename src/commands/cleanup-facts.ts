// What of flanneld's there is on a host, as plain data: what cleanup-read.ts finds and cleanup-plan.ts judges.

import type { Listing as IptablesListing } from '../kernel/iptables/save-text.js';
import type { Link, Route } from '../kernel/kernel.js';
import type { Listing } from '../kernel/nftables/listing.js';
import type { ListedTable } from '../kernel/nftables/left-tables.js';
import type { NetworkStatus } from '../network-status.js';
import type { Liveness } from '../process-identity.js';
import type { Cidr } from '../subnet/cidr.js';
import type { LeaseRecord } from '../subnet/lease.js';

/** A status file, and whether the daemon that wrote it lives. The paths of env files are canonical here as elsewhere. */
export interface StatusFact extends NetworkStatus {
  readonly path: string;
  readonly liveness: Liveness;
}

/** An env file that is there. `network`: whose it is by its name, in the folder of named networks. */
export interface EnvFact {
  readonly path: string;
  readonly network: string | undefined;
  readonly ranges: readonly Cidr[];
}

/** A network's folder below the state directory. */
export interface StateFact {
  readonly network: string;
  readonly folder: string;
  /** What we know to be ours in it. */
  readonly files: readonly string[];
  /** Anything else in it: then the folder stays. */
  readonly others: readonly string[];
  /** Who has it locked, in words; undefined for nobody. */
  readonly lockedBy: string | undefined;
  /** By its snapshot, as far as that can be read. */
  readonly prefix: string | undefined;
  readonly ranges: readonly Cidr[];
  readonly nodeId: string | undefined;
}

/** The record of a pod that uses the network of an env file. */
export interface UseFact {
  readonly path: string;
  readonly pod: string;
  /** Its network namespace is not there any more, so neither is the pod. */
  readonly gone: boolean;
}

/** A daemon that answers on a socket. */
export interface DaemonFact {
  readonly socket: string;
  readonly pid: number;
  readonly networks: readonly { readonly name: string; readonly prefix: string }[];
}

/** A lease in etcd that is this node's. */
export interface LeaseFact {
  readonly network: string;
  readonly prefix: string;
  readonly subnet: string;
  /** As it was seen. */
  readonly record: LeaseRecord;
}

export interface HostFacts {
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  readonly statuses: readonly StatusFact[];
  readonly envs: readonly EnvFact[];
  readonly states: readonly StateFact[];
  readonly daemons: readonly DaemonFact[];
  /** By the canonical path of the env file. */
  readonly uses: ReadonlyMap<string, readonly UseFact[]>;
  /** Sockets of the API that nobody listens to, and their lock files. */
  readonly staleSockets: readonly string[];
  /** Temporary files that a killed daemon has left beside status and env files. */
  readonly leftovers: readonly string[];
  /** The nft tables that are called like ours. */
  readonly tables: readonly ListedTable[];
  /** Table `filter` of nft, where iptables or others keep FORWARD. */
  readonly filter: Listing | undefined;
  /** Undefined where there is no iptables. */
  readonly iptables: IptablesListing | undefined;
  /** Upstream daemons in this network namespace: they may go on with what we had. */
  readonly upstream: readonly number[];
  /** With --release: this node's leases. */
  readonly leases: readonly LeaseFact[];
  /** What could not be looked at, as sentences. */
  readonly unseen: readonly string[];
}
