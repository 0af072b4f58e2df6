// The documents of the local API, version 1, as they travel in JSON. Types alone; docs/api.md tells them to users.
// Fields may be added within a version; none changes its meaning or goes. Times are ISO 8601 in UTC, durations seconds.

import type { HealthLevel, HealthState } from '../health/reasons.js';
import type { JsonValue } from '../json.js';
import type { PeerProbe } from '../probe/probe.js';

export const API_VERSION = 1;

/** `GET /v1/status`. */
export interface DaemonDocument {
  readonly apiVersion: number;
  /** Of the program. */
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly nodeId: string;
  readonly host: string;
  /** The worst of the networks'. */
  readonly state: HealthState;
  /** As -v. */
  readonly logLevel: number;
  readonly probe: ProbeDocument;
  /** The networks that the command line names first, then those of etcd by their names. */
  readonly networks: readonly NetworkDocument[];
}

/** Whether peers are probed: `unavailable` where the kernel does not let us, for the reason. */
export interface ProbeDocument {
  readonly state: 'on' | 'off' | 'unavailable';
  readonly intervalSeconds: number;
  readonly reason: string;
}

interface ReasonDocument {
  /** A row of docs/health.md. */
  readonly code: string;
  readonly level: HealthLevel;
  readonly text: string;
  /** For how long it has held. */
  readonly seconds: number;
}

export interface NetworkDocument {
  readonly name: string;
  readonly prefix: string;
  readonly state: HealthState;
  readonly reasons: readonly ReasonDocument[];
  readonly subnetFiles: readonly string[];
  /** Absent while the network waits for a config, a lease or an interface: the reasons say for what. */
  readonly running?: RunningDocument;
  /** The newest error or warning about this network. */
  readonly lastError?: MomentDocument;
}

/** What happened, and when. */
export interface MomentDocument {
  readonly at: string;
  readonly text: string;
}

/** What there is to say of a network that has a lease. */
export interface RunningDocument {
  readonly lease: OwnLeaseDocument;
  readonly store: StoreDocument;
  readonly backend: BackendDocument;
  readonly interface: InterfaceDocument;
  readonly kernel: KernelDocument;
  readonly peers: PeerCountDocument;
  /** Absent where the family is off, or the pool is too large to count. */
  readonly pool?: PoolDocument;
}

interface OwnLeaseDocument {
  readonly subnet: string;
  readonly publicIp: string;
  /** Until it ends unless it is renewed; null for a reservation, negative once it has expired. */
  readonly secondsLeft: number | null;
}

interface StoreDocument {
  readonly endpoints: readonly string[];
  readonly state: 'connected' | 'disconnected' | 'memory';
  readonly since: string;
  /** Why it is away; empty while it is connected. */
  readonly reason: string;
}

export interface BackendDocument {
  readonly type: string;
  readonly description: string;
  /** Its device; absent for host-gw. */
  readonly device?: string;
  readonly mtu: number;
  /** UDP port and VNI, where it has them. */
  readonly port?: number;
  readonly vni?: number;
}

interface InterfaceDocument {
  readonly name: string;
  readonly mtu: number;
  readonly address: string;
}

export interface KernelDocument {
  /** Whether the kernel held all that is wanted when it was looked at last. */
  readonly asWanted: boolean;
  readonly problems: readonly string[];
  readonly passes: number;
  readonly lastRepair?: MomentDocument;
}

export interface PeerCountDocument {
  readonly total: number;
  readonly reachable: number;
  readonly unreachable: number;
  /** Not probed yet, or not at all. */
  readonly unknown: number;
}

export interface PoolDocument {
  /** How many subnets the config allows, and how many of them have a lease. */
  readonly total: number;
  readonly leased: number;
}

/** `GET /v1/networks/NAME/peers`. */
export interface PeersDocument {
  readonly network: string;
  readonly peers: readonly PeerDocument[];
}

export interface PeerDocument {
  readonly subnet: string;
  readonly publicIp: string;
  /** Empty for a peer of upstream's. */
  readonly nodeId: string;
  readonly backendType: string;
  readonly backendData: JsonValue;
  /** `none`: no route leads to it (another backend, or a value that cannot be used). */
  readonly path: 'direct' | 'tunnel' | 'none';
  /** Since when this daemon knows it. */
  readonly since: string;
  /** Absent while it has not been probed. */
  readonly probe?: PeerProbe;
  /** Of the packet engine; absent where the kernel carries the packets. */
  readonly traffic?: {
    readonly sentPackets: number;
    readonly sentBytes: number;
    readonly receivedPackets: number;
    readonly receivedBytes: number;
  };
}

/** `GET /v1/networks/NAME/leases`: what the daemon knows; `flanneld leases list` asks etcd itself. */
export interface LeasesDocument {
  readonly network: string;
  readonly leases: readonly LeaseDocument[];
}

export interface LeaseDocument {
  readonly subnet: string;
  readonly publicIp: string;
  readonly nodeId: string;
  readonly backendType: string;
  readonly backendData: JsonValue;
  readonly reserved: boolean;
  readonly own: boolean;
  /** Where the store was asked: until it ends unless it is renewed; null for a reservation. */
  readonly secondsLeft?: number | null;
}

/** A line of `GET /v1/events`, which goes on for ever (application/x-ndjson); `?since=ID` begins after that event. */
export interface EventDocument {
  readonly id: number;
  readonly at: string;
  readonly type: EventType;
  /** Absent for what concerns the daemon. */
  readonly network?: string;
  readonly text: string;
}

/** `lost`: that many events went by unseen, because the reader was too slow or came too late. */
export type EventType = 'network' | 'health' | 'lease' | 'repair' | 'peer' | 'store' | 'daemon' | 'lost';

/** `GET` and `PUT /v1/log-level`; the latter on the unix socket alone. */
export interface LogLevelDocument {
  readonly level: number;
}

/** Whatever the status code is, if it is none of success. */
export interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string };
}
