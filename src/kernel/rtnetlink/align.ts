// The alignment rules of netlink messages and attributes, and the sizes of their headers.

/**
 * linux/netlink.h: #define NLMSG_ALIGN(len) ( ((len)+NLMSG_ALIGNTO-1) & ~(NLMSG_ALIGNTO-1) ), NLMSG_ALIGNTO 4;
 * NLA_ALIGN and RTA_ALIGN are the same.
 */
export function align4(length: number): number {
  return (length + 3) & ~3;
}

/** linux/netlink.h: #define NLMSG_HDRLEN ((int) NLMSG_ALIGN(sizeof(struct nlmsghdr))) */
export const NLMSG_HDRLEN = 16;
/** linux/netlink.h: #define NLA_HDRLEN ((int) NLA_ALIGN(sizeof(struct nlattr))) */
export const NLA_HDRLEN = 4;
