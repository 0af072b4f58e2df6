// Numbers of the kernel's headers, under the names they have there. A table; nothing else.

/** linux/netlink.h */
export const NETLINK_ROUTE = 0;
export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;
export const NLM_F = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  /** On NLMSG_ERROR and NLMSG_DONE. */
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;
/** Bits beside the number in nla_type: NLA_F_NESTED, NLA_F_NET_BYTEORDER. */
export const NLA_TYPE_MASK = 0x3fff;

/** linux/rtnetlink.h */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
} as const;
export const RTNLGRP = {
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
} as const;
export const RTN = {
  UNSPEC: 0,
  UNICAST: 1,
  LOCAL: 2,
  BROADCAST: 3,
  BLACKHOLE: 6,
  UNREACHABLE: 7,
  PROHIBIT: 8,
} as const;
export const RT_SCOPE_NOWHERE = 255;
/** Also what rtm_table says when the number is beyond 255 and stands in RTA_TABLE. */
export const RT_TABLE_UNSPEC = 0;
export const RTM_F = { CLONED: 0x200, LOOKUP_TABLE: 0x1000 } as const;
export const RTNH_F_ONLINK = 4;
export const RTEXT_FILTER_SKIP_STATS = 8;

/** sys/socket.h */
export const AF = { UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 } as const;

/** linux/if.h */
export const IFF = { UP: 0x1, LOOPBACK: 0x8, LOWER_UP: 0x10000 } as const;

/** linux/if_addr.h */
export const IFA_F = { TEMPORARY: 0x1, DEPRECATED: 0x20, PERMANENT: 0x80 } as const;

/** linux/neighbour.h */
export const NUD = { REACHABLE: 0x2, NOARP: 0x40, PERMANENT: 0x80 } as const;
export const NTF_SELF = 0x2;
