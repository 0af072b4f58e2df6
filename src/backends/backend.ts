// The interface of a backend: options → opened backend → attributes to announce and wanted state. Life cycle:
// open() once the config and the external interface are known; attributes() when the lease is claimed; wanted()
// whenever leases or routes change. A backend never touches the kernel; the reconciler does.

import type { Random } from '../clock.js';
import type { JsonObject } from '../json.js';
import type { Link, Route } from '../kernel/kernel.js';
import type { FilteredTunnel, PeerFilterMode } from '../kernel/rules.js';
import type { Cidr, Ip, PerFamily } from '../subnet/cidr.js';
import type { LeaseAttributes, LeaseRecord } from '../subnet/lease.js';
import type { OptionChange } from '../subnet/config-change.js';
import type { Wanted } from './wanted.js';

/** The interface that carries traffic between nodes, as external-interface.ts chose it. */
export interface ExternalInterface {
  readonly name: string;
  readonly mtu: number;
  /** The interface's own address. */
  readonly addresses: PerFamily<Ip>;
  /** The address announced to peers: -public-ip where given, else the interface's own. */
  readonly publicIps: PerFamily<Ip>;
  /** The address tunnels send from: the public one where this host has it, else (behind a NAT) the interface's. */
  readonly sources: PerFamily<Ip>;
}

/** The checksum offload of a device: as the kernel has it, or switched off. */
export type TxChecksum = 'auto' | 'off';

export interface BackendContext {
  readonly external: ExternalInterface;
  /** The network's range of each family that is on. */
  readonly ranges: PerFamily<Cidr>;
  /** The devices there are when the backend opens: what an earlier run left is to be kept. */
  readonly links: readonly Link[];
  /** Names the network on this host: its devices carry it in their alias. */
  readonly network: string;
  /** -peer-filter, for a backend that judges senders itself. */
  readonly peerFilter: PeerFilterMode;
  /** -tx-checksum, for a backend whose device has that offload; auto unless given. */
  readonly txChecksum?: TxChecksum;
  /** How many processors this process may use. */
  readonly cores: number;
  readonly random: Random;
}

/** The routes of the host, asked for a destination: only backends that route directly look at it. */
export type RouteTo = (address: Ip) => { readonly route: Route; readonly link: string } | undefined;

export interface OpenedBackend {
  /** What pods may send in one packet: goes to FLANNEL_MTU. */
  readonly mtu: number;
  /** A line for people: device, VNI, port. */
  readonly description: string;
  /** The tunnel whose port only peers may use; undefined where packets go plain. */
  readonly tunnel?: FilteredTunnel;
  /** Whether wanted() names a dataplane, so that a packet engine is needed. */
  readonly usesDataplane?: boolean;
  /** Whether wanted() depends on the host's routes, so that it is to be called again when they change. */
  readonly usesRoutes: boolean;
  /** What to announce. `previous` is our own lease as the store has it, from an earlier life of this node. */
  attributes(previous?: LeaseRecord): LeaseAttributes;
  /** Pure: equal arguments give an equal wanted state. */
  wanted(own: LeaseRecord, peers: Iterable<LeaseRecord>, routeTo: RouteTo): Wanted;
  /**
   * Chooses the device's name anew, given the devices there are now; whether it is another. Called at the start
   * alone, when somebody took the name between open() and the first pass: two daemons may begin at one moment.
   * Afterwards description, tunnel and wanted() name the new one. Absent where the config says the name.
   */
  avoid?(links: readonly Link[]): boolean;
}

export interface Backend {
  /** The lower-case name in the config. */
  readonly type: string;
  /** The BackendType its leases announce, '' for none; peers with another one are skipped. */
  readonly leaseType: string;
  /**
   * Throws ConfigError (`config-backend`) for options it cannot work with. What all nodes of the network have to agree
   * upon is settled by then: see `agreement`.
   */
  open(options: JsonObject, context: BackendContext): OpenedBackend;
  /** How options differ, for a network that runs. Throws ConfigError for options it cannot work with. */
  compare(before: JsonObject, after: JsonObject): OptionChange;
  /** For a backend that lets the nodes agree upon a number by themselves: a VNI. */
  readonly agreement?: VniAgreement;
}

/** A VNI that is not in the config: `"VNI": "auto"`. */
interface VniAgreement {
  /** Whether the options leave the VNI to us. Throws ConfigError for options it cannot work with. */
  asks(options: JsonObject): boolean;
  /** The same options with this VNI. */
  settle(options: JsonObject, vni: number): JsonObject;
  /** The VNI our own lease announces, from an earlier life. */
  known(own: LeaseRecord): number | undefined;
}
