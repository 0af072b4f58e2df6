/*
 * Opens a netlink socket, bound and joined to its groups, if need be in another network namespace.
 * Not here: its thread, and everything that happens after.
 */
#ifndef FLANNELD_NETLINK_OPEN_H
#define FLANNELD_NETLINK_OPEN_H

#include <stdint.h>

#include "netlink_socket.h"

/* Returns the descriptor, which does not block and is closed on exec, and its address in *port; or -errno. */
int netlink_open(const struct netlink_options *options, uint32_t *port);

#endif
