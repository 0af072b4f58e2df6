// The fixed parts of rtnetlink messages, between header and attributes, as the kernel's headers lay them out.
// Writing appends to a message; reading is by the offsets given here, from a cursor's `start`.

import type { MessageWriter } from './writer.js';

/**
 * linux/rtnetlink.h: struct ifinfomsg { unsigned char ifi_family; unsigned char __ifi_pad; unsigned short ifi_type;
 * int ifi_index; unsigned ifi_flags; unsigned ifi_change; }
 */
export const IFINFOMSG = { family: 0, index: 4, flags: 8, SIZE: 16 } as const;

export function writeIfinfomsg(
  writer: MessageWriter,
  family: number,
  index: number,
  flags: number,
  change: number,
): void {
  writer.u8(family);
  writer.u8(0);
  writer.u16(0);
  writer.u32(index);
  writer.u32(flags);
  writer.u32(change);
}

/**
 * linux/if_addr.h: struct ifaddrmsg { __u8 ifa_family; __u8 ifa_prefixlen; __u8 ifa_flags; __u8 ifa_scope;
 * __u32 ifa_index; }
 */
export const IFADDRMSG = { family: 0, prefixLength: 1, flags: 2, scope: 3, index: 4, SIZE: 8 } as const;

export function writeIfaddrmsg(
  writer: MessageWriter,
  family: number,
  prefixLength: number,
  scope: number,
  index: number,
): void {
  writer.u8(family);
  writer.u8(prefixLength);
  writer.u8(0);
  writer.u8(scope);
  writer.u32(index);
}

/**
 * linux/rtnetlink.h: struct rtmsg { unsigned char rtm_family, rtm_dst_len, rtm_src_len, rtm_tos, rtm_table,
 * rtm_protocol, rtm_scope, rtm_type; unsigned rtm_flags; }
 */
export const RTMSG = {
  family: 0,
  dstLength: 1,
  table: 4,
  protocol: 5,
  scope: 6,
  type: 7,
  flags: 8,
  SIZE: 12,
} as const;

export interface Rtmsg {
  readonly family: number;
  readonly dstLength: number;
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  readonly type: number;
  readonly flags: number;
}

export function writeRtmsg(writer: MessageWriter, route: Rtmsg): void {
  writer.u8(route.family);
  writer.u8(route.dstLength);
  writer.u16(0);
  writer.u8(route.table);
  writer.u8(route.protocol);
  writer.u8(route.scope);
  writer.u8(route.type);
  writer.u32(route.flags);
}

/**
 * linux/neighbour.h: struct ndmsg { __u8 ndm_family; __u8 ndm_pad1; __u16 ndm_pad2; __s32 ndm_ifindex;
 * __u16 ndm_state; __u8 ndm_flags; __u8 ndm_type; }
 */
export const NDMSG = { family: 0, index: 4, state: 8, flags: 10, SIZE: 12 } as const;

export function writeNdmsg(
  writer: MessageWriter,
  family: number,
  index: number,
  state: number,
  flags: number,
): void {
  writer.u8(family);
  writer.u8(0);
  writer.u16(0);
  writer.u32(index);
  writer.u16(state);
  writer.u8(flags);
  writer.u8(0);
}
