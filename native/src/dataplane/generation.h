/*
 * One state of the routes: which peer a destination goes to, who may send, which sources are our own. Never changes
 * once it is made. Making the next one takes over the peers of the one before.
 */
#ifndef FLANNELD_GENERATION_H
#define FLANNELD_GENERATION_H

#include "../packet/route_table.h"
#include "peer.h"

/* One route as it comes from JavaScript, 40 bytes, addresses in network order, IPv4 in the first 4 of 16 bytes. */
#define ROUTE_RECORD 40
/* Bytes of a record. */
enum { RECORD_VERSION = 0, RECORD_LENGTH = 1, RECORD_PEER_VERSION = 2, RECORD_PREFIX = 8, RECORD_PEER = 24 };

struct prefix {
	uint8_t version, length;
	struct ip_address address;
};

struct generation {
	struct route_table *routes;	/* value: index in peers */
	struct route_table *senders;	/* peers by their whole address; value: index in peers */
	struct route_table *own;	/* value: 0 */
	struct peer **peers;
	uint32_t peer_count;
	struct generation *next;	/* among those that wait to be freed */
};

struct generation_options {
	uint16_t port;
	uint32_t workers;
	const struct prefix *own;
	size_t own_count;
	uint8_t outer_version;		/* peers of the other version cannot be reached from our socket */
};

/*
 * Reads `count` records. `before` may be NULL. Returns 0 and *ret, -EINVAL for a record that is none, -EEXIST for a
 * destination that is there twice, -ENOMEM.
 */
int generation_new(struct generation **ret, const struct generation_options *options, const uint8_t *records,
		   size_t count, const struct generation *before);
void generation_free(struct generation *generation);

/* The peer that packets to this address go to, or NULL. */
static inline struct peer *generation_route(const struct generation *g, int version, struct ip_address address)
{
	uint32_t index = route_table_find(g->routes, version, address);

	return index == ROUTE_NONE ? NULL : g->peers[index];
}

/* The peer with this outer address, or NULL. */
static inline struct peer *generation_sender(const struct generation *g, int version, struct ip_address address)
{
	uint32_t index = route_table_find(g->senders, version, address);

	return index == ROUTE_NONE ? NULL : g->peers[index];
}

static inline bool generation_is_own(const struct generation *g, int version, struct ip_address address)
{
	return route_table_find(g->own, version, address) != ROUTE_NONE;
}

#endif
