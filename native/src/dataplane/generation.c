/*
 * Making a generation out of records, and freeing it. Runs on JavaScript's thread; packets never wait for it.
 */
#include "generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is needed while it is made: the peers found so far, by address. */
struct draft {
	struct generation *generation;
	const struct generation_options *options;
	const struct generation *before;
	struct route *routes;
	/* Open addressing over peers by address; twice as many slots as there can be peers. Index + 1, 0 for free. */
	uint32_t *index;
	size_t mask;
};

static size_t hash_address(struct ip_address ip)
{
	uint64_t mixed = (ip.low ^ ip.high * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);

	return (size_t)((mixed ^ mixed >> 32) * UINT64_C(0x94d049bb133111eb) >> 29);
}

static struct peer *take_peer(struct draft *draft, uint8_t version, struct ip_address ip)
{
	struct peer *known = draft->before == NULL ? NULL : generation_sender(draft->before, version, ip);

	if (known == NULL)
		return peer_new(version, ip, draft->options->port, draft->options->workers);
	known->holders++;
	return known;
}

/* The index of the peer with this address, taken over or made if it is new. Negative without memory. */
static int64_t peer_index(struct draft *draft, uint8_t version, struct ip_address ip)
{
	struct generation *g = draft->generation;

	for (size_t at = hash_address(ip);; at++) {
		uint32_t *slot = &draft->index[at & draft->mask];

		if (*slot == 0) {
			struct peer *peer = take_peer(draft, version, ip);

			if (peer == NULL)
				return -ENOMEM;
			g->peers[g->peer_count] = peer;
			*slot = ++g->peer_count;
			return *slot - 1;
		}
		if (ip_same_address(g->peers[*slot - 1]->ip, ip))
			return *slot - 1;
	}
}

static int read_record(struct draft *draft, const uint8_t *record, struct route *ret)
{
	uint8_t version = record[RECORD_VERSION], peer_version = record[RECORD_PEER_VERSION];
	int64_t index;

	if ((version != 4 && version != 6) || peer_version != draft->options->outer_version)
		return -EINVAL;
	index = peer_index(draft, peer_version, ip_read_address(record + RECORD_PEER, peer_version));
	if (index < 0)
		return (int)index;
	*ret = (struct route){
		.version = version,
		.length = record[RECORD_LENGTH],
		.prefix = ip_read_address(record + RECORD_PREFIX, version),
		.value = (uint32_t)index,
	};
	return 0;
}

static int build_senders(struct draft *draft)
{
	struct generation *g = draft->generation;
	uint8_t version = draft->options->outer_version;

	for (uint32_t i = 0; i < g->peer_count; i++)
		draft->routes[i] = (struct route){
			.version = version,
			.length = version == 4 ? 32 : 128,
			.prefix = g->peers[i]->ip,
			.value = i,
		};
	return route_table_build(&g->senders, draft->routes, g->peer_count);
}

static int build_own(struct draft *draft)
{
	const struct generation_options *options = draft->options;
	struct route *own = calloc(options->own_count + 1, sizeof(*own));
	int result;

	if (own == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < options->own_count; i++)
		own[i] = (struct route){
			.version = options->own[i].version,
			.length = options->own[i].length,
			.prefix = options->own[i].address,
		};
	result = route_table_build(&draft->generation->own, own, options->own_count);
	free(own);
	return result;
}

static int fill(struct draft *draft, const uint8_t *records, size_t count)
{
	size_t slots = 2;
	int result;

	while (slots < 2 * count)
		slots *= 2;
	draft->mask = slots - 1;
	draft->index = calloc(slots, sizeof(*draft->index));
	draft->routes = calloc(count + 1, sizeof(*draft->routes));
	draft->generation->peers = calloc(count + 1, sizeof(*draft->generation->peers));
	if (draft->index == NULL || draft->routes == NULL || draft->generation->peers == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		result = read_record(draft, records + i * ROUTE_RECORD, &draft->routes[i]);
		if (result < 0)
			return result;
	}
	result = route_table_build(&draft->generation->routes, draft->routes, count);
	if (result == 0)
		result = build_senders(draft);
	return result == 0 ? build_own(draft) : result;
}

int generation_new(struct generation **ret, const struct generation_options *options, const uint8_t *records,
		   size_t count, const struct generation *before)
{
	struct draft draft = { .options = options, .before = before };
	int result;

	draft.generation = calloc(1, sizeof(*draft.generation));
	if (draft.generation == NULL)
		return -ENOMEM;
	result = fill(&draft, records, count);
	free(draft.index);
	free(draft.routes);
	if (result < 0)
		generation_free(draft.generation);
	else
		*ret = draft.generation;
	return result;
}

void generation_free(struct generation *generation)
{
	for (uint32_t i = 0; i < generation->peer_count; i++)
		peer_release(generation->peers[i]);
	free(generation->peers);
	route_table_free(generation->routes);
	route_table_free(generation->senders);
	route_table_free(generation->own);
	free(generation);
}
