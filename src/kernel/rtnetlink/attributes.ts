// The attributes we read or write, one row each: our name, the kernel's number, the type of the value.
// A table; a new attribute is a new row here and nothing elsewhere. Rows of the kernel we do not need are left out.

import { AttributeTable, type AttributesOf, type AttributeType } from './attribute-table.js';
import {
  bool,
  flag,
  ip,
  mac,
  nested,
  nexthops,
  text,
  textNul,
  u16be,
  u32,
  u8,
  via,
} from './attribute-types.js';

/** IFLA_VXLAN_* of linux/if_link.h. GBP is a flag: an attribute without payload. */
const VXLAN = new AttributeTable({
  id: [1, u32],
  group: [2, ip],
  link: [3, u32],
  local: [4, ip],
  learning: [7, bool],
  l2miss: [13, bool],
  l3miss: [14, bool],
  port: [15, u16be],
  group6: [16, ip],
  local6: [17, ip],
  gbp: [23, flag],
});
export type VxlanAttributes = AttributesOf<typeof VXLAN>;

/** IFLA_TUN_* of linux/if_link.h. They are only read: rtnetlink creates no TUN. */
const TUN = new AttributeTable({
  type: [3, u8],
  persist: [6, bool],
  multiQueue: [7, bool],
});
export type TunAttributes = AttributesOf<typeof TUN>;

/** IFLA_INFO_* of linux/if_link.h: by the kind, the form of the data beside it. The data of other kinds is not read. */
const LINK_KIND = new AttributeTable({ kind: [1, text] });
const LINK_INFO = new Map<string | undefined, LinkInfoTable>([
  ['vxlan', new AttributeTable({ kind: [1, text], vxlan: [2, nested(VXLAN)] })],
  ['tun', new AttributeTable({ kind: [1, text], tun: [2, nested(TUN)] })],
]);

interface LinkInfo {
  readonly kind?: string | undefined;
  readonly vxlan?: VxlanAttributes | undefined;
  readonly tun?: TunAttributes | undefined;
}
type LinkInfoTable = AttributeType<LinkInfo>;
const linkInfoOf = (kind: string | undefined): LinkInfoTable => LINK_INFO.get(kind) ?? LINK_KIND;

const linkInfo: AttributeType<LinkInfo> = {
  write: (writer, info) => {
    linkInfoOf(info.kind).write(writer, info);
  },
  read: (chunk, start, end) => linkInfoOf(LINK_KIND.read(chunk, start, end)?.kind).read(chunk, start, end),
};

/** IFLA_* of linux/if_link.h. */
export const LINK = new AttributeTable({
  address: [1, mac],
  ifname: [3, textNul],
  mtu: [4, u32],
  linkinfo: [18, linkInfo],
  ifalias: [20, text],
  extMask: [29, u32],
});

/** IFA_* of linux/if_addr.h. */
export const ADDRESS = new AttributeTable({
  address: [1, ip],
  local: [2, ip],
  flags: [8, u32],
});

const HOP = new AttributeTable({
  gateway: [5, ip],
  via: [18, via],
});

/** RTA_* of linux/rtnetlink.h. Metrics (RTA_METRICS) are left out. */
export const ROUTE = new AttributeTable({
  dst: [1, ip],
  oif: [4, u32],
  gateway: [5, ip],
  priority: [6, u32],
  prefsrc: [7, ip],
  multipath: [9, nexthops(HOP)],
  table: [15, u32],
  via: [18, via],
});
export type RouteAttributes = AttributesOf<typeof ROUTE>;

/** NDA_* of linux/neighbour.h, for neighbours and forwarding entries. */
export const NEIGHBOUR = new AttributeTable({
  dst: [1, ip],
  lladdr: [2, mac],
  ifindex: [8, u32],
});

/** NLMSGERR_ATTR_* of linux/netlink.h: what an extended acknowledgement says. */
export const EXTENDED_ACK = new AttributeTable({
  message: [1, textNul],
});
