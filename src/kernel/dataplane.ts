// The packet engine behind a TUN device as plain data: what it is to carry, and what it tells of itself.
// The interface only. NativeDataplane (tun/native-dataplane.ts) and the tests' FakeDataplane pass one contract suite.

import type { Cidr, Ip, PerFamily } from '../subnet/cidr.js';
import type { Link } from './kernel.js';
import type { PeerFilterMode } from './rules.js';

/** Packets to `dst` travel in UDP to the node `to`. */
export interface DataplaneRoute {
  readonly dst: Cidr;
  readonly to: Ip;
}

/** What the engine of one network is to do. Equal values mean an equal engine. */
export interface WantedDataplane {
  /** The TUN device, by name: one of the wanted links. */
  readonly device: string;
  /** The address to send from and to listen on. */
  readonly source: Ip;
  /** The UDP port of every node; upstream's leases do not name one. */
  readonly port: number;
  /** The device's MTU, bytes. */
  readonly mtu: number;
  /** The device's own addresses: ICMP errors come from them. */
  readonly addresses: PerFamily<Ip>;
  /** This node's subnets: no packet from outside may claim a source in them. */
  readonly own: readonly Cidr[];
  readonly filter: PeerFilterMode;
  /** Receive queues; undefined for as many as the cores serve. */
  readonly queues: number | undefined;
  /** How long a thread looks for more packets before it sleeps, in microseconds; undefined for what the cores allow. */
  readonly spinMicroseconds: number | undefined;
  readonly routes: readonly DataplaneRoute[];
}

/** What the engine has done since it was opened: totals by counter name, and by peer address. */
export interface DataplaneStats {
  readonly counters: Readonly<Record<string, number>>;
  readonly peers: ReadonlyMap<Ip, PeerTraffic>;
}

export interface PeerTraffic {
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
}

/** What the engine tells by itself. */
export interface DataplaneEvents {
  /** The device is gone; a pass of the reconciler makes it anew and attaches again. */
  lost(): void;
  /** A thread cannot go on, so no packet would be carried any more: the process has to end. */
  failed(error: DataplaneError): void;
}

/** The engine of one network. Nothing is open before the first apply(). */
export interface Dataplane {
  /**
   * Makes it so, on this link: opens device, socket and threads where they are not open for the same device and
   * options, then hands over the routes as one generation. No packet waits for it. Throws DataplaneError.
   */
  apply(wanted: WantedDataplane, link: Link): void;
  /** Whether it runs on this link: false after the device was deleted and made anew. */
  isAttached(link: Link): boolean;
  /** Undefined while nothing is open. */
  stats(): DataplaneStats | undefined;
  /** Stops the threads within 100 ms; the device and its routes stay. May be repeated. */
  close(): void;
}

/**
 * - `port-taken`: another socket has the UDP port.
 * - `no-tun`: there is no /dev/net/tun.
 * - `dataplane-denied`: the privilege is missing.
 * - `device-mode`: the device was made with another number of queues in mind, and is to be made anew.
 * - `dataplane-failed`: anything else; the message quotes the errno and its place.
 */
export type DataplaneErrorCode =
  'port-taken' | 'no-tun' | 'dataplane-denied' | 'device-mode' | 'dataplane-failed';

export class DataplaneError extends Error {
  readonly code: DataplaneErrorCode;

  constructor(code: DataplaneErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DataplaneError';
    this.code = code;
  }
}
