// The Linux kernel's network state as plain data: links, addresses, routes, neighbours, FDB entries, events.
// The interface only. LinuxKernel (rtnetlink/linux-kernel.ts) and the tests' FakeKernel pass one contract suite.

import type { Cidr, Family, Ip } from '../subnet/cidr.js';

declare const macBrand: unique symbol;
/** A MAC address in lower case with colons: `7e:18:59:77:82:2a`. */
export type Mac = string & { readonly [macBrand]: 'mac' };

/** The kernel's number of the main routing table (RT_TABLE_MAIN, linux/rtnetlink.h). */
export const MAIN_TABLE = 254;
/** Routing protocol numbers (linux/rtnetlink.h). 241 is ours: free in iproute2's rt_protos and the kernel's list. */
export const PROTOCOL = { unspec: 0, kernel: 2, boot: 3, static: 4, flanneld: 241 } as const;

/** What makes a VXLAN device; IFLA_VXLAN_* of linux/if_link.h. */
export interface Vxlan {
  readonly vni: number;
  /** Index of the interface that carries the encapsulated packets; 0 for none. */
  readonly parent: number;
  /** Outer source address. */
  readonly local?: Ip;
  /** Multicast group or default remote; flannel devices have none. */
  readonly group?: Ip;
  /** Outer UDP destination port. */
  readonly port: number;
  readonly learning: boolean;
  readonly gbp: boolean;
  readonly l2miss: boolean;
  readonly l3miss: boolean;
}

/** What makes a TUN or TAP device; IFLA_TUN_* of linux/if_link.h. Both are of kind `tun`. */
export interface Tun {
  readonly type: 'tun' | 'tap';
  /** Several descriptors can attach, each with a queue of its own. It cannot be changed afterwards. */
  readonly multiQueue: boolean;
  /** Stays when nobody is attached. */
  readonly persistent: boolean;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  /** `vxlan`, `tun`, `bridge`, `veth`, …; undefined for a device that tells no kind (a physical one). */
  readonly kind?: string;
  readonly mtu: number;
  /** Set up by an administrator (IFF_UP). */
  readonly up: boolean;
  /** Up and with a carrier (IFF_LOWER_UP). */
  readonly carrier: boolean;
  readonly loopback: boolean;
  readonly mac?: Mac;
  /** The free text of `ip link … alias`; our mark of ownership. */
  readonly alias?: string;
  /** Present when kind is `vxlan`. */
  readonly vxlan?: Vxlan;
  /** Present when kind is `tun`. */
  readonly tun?: Tun;
}

/** A link to create. */
export interface NewLink {
  readonly name: string;
  readonly mtu?: number;
  readonly mac?: Mac;
  readonly alias?: string;
  readonly vxlan?: Vxlan;
  /** A TUN, which stays though nobody is attached; it has no MAC. */
  readonly tun?: Pick<Tun, 'multiQueue'>;
  /** A kind without attributes of its own, for tests: `bridge`, `ifb`. Exactly one of vxlan, tun and kind is given. */
  readonly kind?: string;
}

/** What to change on an existing link; absent fields stay as they are. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: Mac;
  readonly alias?: string;
}

export interface Address {
  readonly link: number;
  /** The address and its prefix length; host bits set. */
  readonly address: Cidr;
  /** RT_SCOPE_*: 0 universe, 253 link, 254 host. */
  readonly scope: number;
  /** IFA_F_DEPRECATED. */
  readonly deprecated: boolean;
  /** IFA_F_TEMPORARY: an IPv6 privacy address. */
  readonly temporary: boolean;
  /** IFA_F_PERMANENT: configured, not learned. */
  readonly permanent: boolean;
}

export interface Route {
  readonly dst: Cidr;
  readonly table: number;
  /** 0 when none was given (IPv4); the kernel makes it 1024 for IPv6. */
  readonly metric: number;
  readonly protocol: number;
  readonly type: 'unicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'local' | 'broadcast' | 'other';
  /** RT_SCOPE_*. */
  readonly scope: number;
  readonly gateway?: Ip;
  /** Index of the outgoing link; absent for a blackhole and for a route of several next hops. */
  readonly link?: number;
  readonly onlink: boolean;
  /** Preferred source address. */
  readonly source?: Ip;
  /** The next hops of a multipath route, whose gateway and link are absent. */
  readonly hops?: readonly { readonly gateway?: Ip; readonly link: number }[];
}

export interface Neighbour {
  readonly link: number;
  readonly ip: Ip;
  /** Absent while unresolved. */
  readonly mac?: Mac;
  /** NUD_PERMANENT: set by somebody, not learned. */
  readonly permanent: boolean;
}

/** An entry of a VXLAN device's own forwarding table (NTF_SELF). */
export interface FdbEntry {
  readonly link: number;
  readonly mac: Mac;
  /** The remote VTEP. */
  readonly dst?: Ip;
  readonly permanent: boolean;
}

/**
 * One change. `create` fails with EEXIST on anything in its place (NLM_F_CREATE|NLM_F_EXCL), `replace` puts the
 * object there whatever was (NLM_F_CREATE|NLM_F_REPLACE), `delete` fails with ENOENT, ESRCH or similar when absent.
 * The place of a route is destination, table and metric; `delete` of a route also matches protocol and gateway.
 */
export type KernelOperation =
  | { readonly kind: 'link'; readonly verb: 'create'; readonly link: NewLink }
  | { readonly kind: 'link'; readonly verb: 'change'; readonly index: number; readonly change: LinkChange }
  | { readonly kind: 'link'; readonly verb: 'delete'; readonly index: number }
  | { readonly kind: 'address'; readonly verb: 'create' | 'replace' | 'delete'; readonly address: Address }
  | { readonly kind: 'route'; readonly verb: 'create' | 'replace' | 'delete'; readonly route: Route }
  | {
      readonly kind: 'neighbour';
      readonly verb: 'create' | 'replace' | 'delete';
      readonly neighbour: Neighbour;
    }
  | { readonly kind: 'fdb'; readonly verb: 'create' | 'replace' | 'delete'; readonly entry: FdbEntry };

/**
 * Something changed. `own` is true when the kernel names us as its author (routes and neighbours; a VXLAN device
 * names nobody for its FDB entries). `resync`: events were lost, read everything again.
 */
export type KernelEvent =
  | { readonly type: 'link'; readonly gone: boolean; readonly link: Link; readonly own: boolean }
  | { readonly type: 'address'; readonly gone: boolean; readonly address: Address; readonly own: boolean }
  | { readonly type: 'route'; readonly gone: boolean; readonly route: Route; readonly own: boolean }
  | {
      readonly type: 'neighbour';
      readonly gone: boolean;
      readonly neighbour: Neighbour;
      readonly own: boolean;
    }
  | { readonly type: 'fdb'; readonly gone: boolean; readonly entry: FdbEntry; readonly own: boolean }
  | { readonly type: 'resync'; readonly reason: string };

/** What the kernel would do with a packet to an address (`ip route get`). */
export interface RouteLookup {
  readonly link: number;
  readonly gateway?: Ip;
  /** The source address it would choose. */
  readonly source?: Ip;
}

/** The kernel of one network namespace. Methods that fail reject with KernelError. */
export interface Kernel {
  links(): Promise<readonly Link[]>;
  addresses(): Promise<readonly Address[]>;
  /** The routes of the main table. */
  routes(family: Family): Promise<readonly Route[]>;
  neighbours(link: number): Promise<readonly Neighbour[]>;
  fdb(link: number): Promise<readonly FdbEntry[]>;
  routeTo(address: Ip): Promise<RouteLookup>;
  /**
   * Carries out the operations in order, pipelined, each on its own: one that fails does not stop the next.
   * Resolves to one outcome an operation, undefined for success. Rejects only when the kernel cannot be reached.
   */
  apply(operations: readonly KernelOperation[]): Promise<readonly (KernelError | undefined)[]>;
  /** Calls `listener` for every event from now on, in order. Returns the stop. */
  watch(listener: (event: KernelEvent) => void): Promise<() => void>;
  /**
   * Reads a setting below /proc/sys, such as `net/ipv6/conf/flannel.1/accept_ra`, or one of a device's own, such as
   * txChecksumSetting names; undefined when there is none.
   */
  readSetting(path: string): Promise<string | undefined>;
  writeSetting(path: string, value: string): Promise<void>;
  close(): void;
}

/** The setting that says whether a device computes the checksums of what it sends: `on` or `off`. */
export function txChecksumSetting(device: string): string {
  return `ethtool/${device}/tx-checksum`;
}

/** A request that the kernel refused, or could not be made. `code` is the errno's name, `extack` the kernel's own words. */
export class KernelError extends Error {
  readonly operation: string;
  readonly code: string;
  readonly errno: number;
  readonly extack: string | undefined;

  constructor(operation: string, code: string, errno: number, extack?: string, options?: ErrorOptions) {
    super(`${operation}: ${code}${extack === undefined ? '' : ` (${extack})`}`, options);
    this.name = 'KernelError';
    this.operation = operation;
    this.code = code;
    this.errno = errno;
    this.extack = extack;
  }
}
