// The facts that checks are judged on: plain data, as the collectors (facts-*.ts) find it on a host.
// Types only. A fact that cannot be gathered is not here: see Gathered in check.ts.

import type { DaemonDocument, LeaseDocument, PeerDocument } from '../api/model.js';
import type { JsonRecord } from '../checked-json.js';
import type { Address, Link, Route } from '../kernel/kernel.js';
import type { Cidr } from '../subnet/cidr.js';

export interface Facts {
  readonly daemons: DaemonFacts;
  readonly store: StoreFacts;
  readonly files: FileFacts;
  /** What of networks is known, from the daemon, else from etcd, else from files; see places.ts. */
  readonly places: readonly Place[];
  readonly host: HostFacts;
  readonly modules: ModuleFacts;
  readonly privileges: PrivilegeFacts;
  readonly settings: SettingFacts;
  readonly kernel: KernelFacts;
  readonly rules: RuleFacts;
  readonly sockets: SocketFacts;
  readonly upstream: UpstreamFacts;
  readonly managers: ManagerFacts;
  readonly neighbours: NeighbourFacts;
  readonly checksums: ChecksumFacts;
}

export type FactName = keyof Facts;

/** One network, as far as it is known. */
export interface Place {
  readonly name: string;
  /** `guess`: nobody told of a network, so this is what flannel has unless it is told otherwise. */
  readonly source: 'daemon' | 'store' | 'file' | 'guess';
  readonly range?: Cidr;
  readonly subnet?: Cidr;
  /** `vxlan`, `host-gw`, `udp`. */
  readonly backend?: string;
  readonly device?: string;
  readonly port?: number;
  readonly vni?: number;
  /** Of the device. */
  readonly mtu?: number;
  /** What carries the traffic between hosts, as the daemon knows it. */
  readonly interface?: { readonly name: string; readonly mtu: number; readonly address: string };
  readonly ipMasq?: boolean;
}

export interface DaemonFacts {
  readonly answering: readonly DaemonSeen[];
  /** Sockets that are there and cannot be asked. */
  readonly refused: readonly { readonly socket: string; readonly reason: string; readonly denied: boolean }[];
}

export interface DaemonSeen {
  readonly socket: string;
  readonly status: DaemonDocument;
  /** The flags, secrets left out; empty where the daemon does not tell. */
  readonly options: JsonRecord;
  readonly networks: ReadonlyMap<string, NetworkSeen>;
  /** What this daemon does not tell: an older one knows less. */
  readonly untold: readonly string[];
}

export interface NetworkSeen {
  readonly peers: readonly PeerDocument[];
  readonly leases: readonly LeaseDocument[];
}

export interface StoreFacts {
  readonly members: readonly MemberSeen[];
  /** A linearizable read, which takes a majority of the members: milliseconds of several, or why there is none. */
  readonly read: { readonly times: readonly number[] } | { readonly error: string };
  readonly networks: readonly StoredNetwork[];
  /** Whether TLS is used. */
  readonly tls: boolean;
}

export interface MemberSeen {
  readonly endpoint: string;
  readonly version?: string;
  readonly hasLeader?: boolean;
  /** Milliseconds of several status calls. */
  readonly times: readonly number[];
  readonly error?: string;
  /** Milliseconds that the HTTP Date header of the member is ahead of this host's clock; it has whole seconds. */
  readonly clockAheadMs?: number;
}

export interface StoredNetwork {
  readonly name: string;
  readonly prefix: string;
  readonly config: ConfigSeen;
  readonly leases: readonly SeenLease[];
}

export type SeenLease = Pick<LeaseDocument, 'subnet' | 'publicIp' | 'nodeId'>;

/** The config in etcd: what it asks for, or why it cannot be used. */
export type ConfigSeen =
  | {
      readonly usable: true;
      readonly range: Cidr;
      readonly backend: string;
      readonly port?: number;
      readonly vni?: number;
    }
  | { readonly usable: false; readonly reason: string };

export interface FileFacts {
  readonly env: readonly EnvSeen[];
  /** Files and folders that no network of the daemon has any more. */
  readonly stale: readonly { readonly path: string; readonly why: string }[];
}

export interface EnvSeen {
  readonly path: string;
  /** Of a file below -subnet-dir. */
  readonly network?: string;
  readonly range?: Cidr;
  readonly subnet?: Cidr;
  readonly mtu?: number;
  readonly ipMasq?: boolean;
  /** Why it cannot be read; then nothing else is known. */
  readonly error?: string;
}

export interface HostFacts {
  /** As `uname -r`. */
  readonly kernel: string;
}

export const MODULES = ['vxlan', 'tun', 'nf_tables', 'br_netfilter'] as const;
export type ModuleName = (typeof MODULES)[number];
/** `loadable`: on disk, or built in. `unknown`: the host does not tell, as in many containers. */
export type ModuleState = 'loaded' | 'loadable' | 'absent' | 'unknown';
export type ModuleFacts = Readonly<Record<ModuleName, ModuleState>>;

export interface PrivilegeFacts {
  readonly processes: readonly {
    /** `flanneld (pid 12)`, or this command itself. */
    readonly who: string;
    /** CapEff of /proc/PID/status. */
    readonly effective: bigint;
    /** This command, run by somebody else than root: what it lacks says nothing of the daemon. */
    readonly byUser: boolean;
  }[];
}

/** Values below /proc/sys, by path such as `net/ipv4/ip_forward`; one that is absent is not there. */
export type SettingFacts = ReadonlyMap<string, string>;

export interface KernelFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
}

export interface RuleFacts {
  readonly nft: ToolSeen;
  readonly iptables: ToolSeen & { readonly legacy: boolean };
  /** Why the rules cannot be listed; then tables and dropping are empty. */
  readonly listError?: string;
  /** As `ip flannel-blue`. */
  readonly tables: readonly string[];
  /** By network: foreign chains at the forward hook that drop its packets, each with the remedy in its message. */
  readonly dropping: ReadonlyMap<string, readonly string[]>;
  /** `iptables -S FORWARD` of iptables-legacy, which nft does not show. */
  readonly legacyForward: string;
}

export interface ToolSeen {
  readonly version?: string;
  readonly error?: string;
}

export interface SocketFacts {
  readonly udp: readonly UdpSocket[];
  /** Whether some processes could not be looked into, so that an owner may be unknown. */
  readonly hidden: boolean;
}

export interface UdpSocket {
  readonly port: number;
  /** Undefined for the kernel's own sockets, and where it cannot be seen. */
  readonly owner?: { readonly pid: number; readonly name: string };
}

export interface UpstreamFacts {
  readonly pids: readonly number[];
}

export interface ManagerFacts {
  readonly networkManager: {
    readonly running: boolean;
    /** By device: the config file that makes it unmanaged. */
    readonly unmanaged: ReadonlyMap<string, string>;
    /** By device: as `nmcli` says it; empty without it. */
    readonly states: ReadonlyMap<string, string>;
  };
  readonly networkd: {
    readonly running: boolean;
    /** By device: the first .network file that matches, and whether it leaves the device alone. */
    readonly matches: ReadonlyMap<string, { readonly file: string; readonly unmanaged: boolean }>;
    /** ManageForeignRoutes of networkd.conf. */
    readonly keepsForeignRoutes: boolean;
  };
}

export interface NeighbourFacts {
  /** gc_thresh3: how many entries the kernel takes; absent in a namespace that does not show it. */
  readonly limit?: number;
  /** Entries of the whole host, permanent ones too. */
  readonly entries: number;
  /** How often an entry was refused because the table was full, since boot. */
  readonly full: number;
}

export interface ChecksumFacts {
  /** UDP datagrams dropped for a wrong checksum, since boot, and how many of them came while we looked. */
  readonly errors: number;
  readonly growth: number;
  readonly seconds: number;
  /** By device: whether its checksums are offloaded; absent where ethtool does not say. */
  readonly offload: ReadonlyMap<string, boolean>;
}
