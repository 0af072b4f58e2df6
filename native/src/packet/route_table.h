/*
 * Longest-prefix lookup over a fixed set of prefixes of both families. A table never changes: a new set is a new
 * table, so readers need no lock. Who frees it when is not decided here.
 */
#ifndef FLANNELD_ROUTE_TABLE_H
#define FLANNELD_ROUTE_TABLE_H

#include "ip_packet.h"

#define ROUTE_NONE UINT32_MAX

struct route {
	struct ip_address prefix;	/* no bits beyond `length` */
	uint8_t version;		/* 4 or 6 */
	uint8_t length;			/* 0 to 32 or 128 */
	uint32_t value;			/* the caller's; not ROUTE_NONE */
};

struct route_table;

/*
 * Returns 0 and *ret, -EINVAL for a prefix that is none, -EEXIST for one that is there twice, -ENOMEM. The time is
 * linear in `count`; the memory some 48 bytes a route.
 */
int route_table_build(struct route_table **ret, const struct route *routes, size_t count);
void route_table_free(struct route_table *table);

/*
 * The value of the longest prefix that holds the address, or ROUTE_NONE. One probe for every prefix length in use,
 * longest first: where all nodes have a /24 that is one, at any number of routes.
 */
uint32_t route_table_find(const struct route_table *table, int version, struct ip_address address);

#endif
