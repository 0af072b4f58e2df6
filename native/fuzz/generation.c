/*
 * Fuzz target: generations are made of records, one out of the other. Input: one byte (the outer version, where the
 * second one begins), then records. A linear search says which peer is right.
 */
#include "../src/dataplane/generation.h"

#include "fuzz.h"

#include <errno.h>

static bool covers(const uint8_t *record, const uint8_t *address)
{
	unsigned length = record[RECORD_LENGTH];
	const uint8_t *prefix = record + RECORD_PREFIX;

	for (unsigned bit = 0; bit < length; bit++)
		if (((prefix[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

/* Each destination that a record names goes to the peer of the longest prefix; there is one, since all are its own. */
static void judge(const struct generation *g, const uint8_t *records, size_t count, uint8_t outer)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *record = records + i * ROUTE_RECORD, *best = record;
		int version = record[RECORD_VERSION];
		struct peer *peer = generation_route(g, version, ip_read_address(record + RECORD_PREFIX, version));

		for (size_t j = 0; j < count; j++) {
			const uint8_t *other = records + j * ROUTE_RECORD;

			if (other[RECORD_VERSION] == version && other[RECORD_LENGTH] > best[RECORD_LENGTH] && covers(other, record + RECORD_PREFIX))
				best = other;
		}
		CHECK(peer != NULL && ip_same_address(peer->ip, ip_read_address(best + RECORD_PEER, outer)));
		CHECK(generation_sender(g, outer, peer->ip) == peer);
	}
	CHECK(g->peer_count <= count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct generation_options options = { .port = 8285, .workers = 2 };
	struct generation *first = NULL, *second = NULL;
	size_t count, half;
	uint8_t *records;

	if (size < 1)
		return 0;
	options.outer_version = (data[0] & 1) != 0 ? 6 : 4;
	count = (size - 1) / ROUTE_RECORD;
	half = count == 0 ? 0 : (data[0] >> 1) % (count + 1);
	records = exact_copy(data + 1, count * ROUTE_RECORD);
	if (generation_new(&first, &options, records, half, NULL) == 0)
		judge(first, records, half, options.outer_version);
	if (generation_new(&second, &options, records + half * ROUTE_RECORD, count - half, first) == 0)
		judge(second, records + half * ROUTE_RECORD, count - half, options.outer_version);
	if (first != NULL)
		generation_free(first);
	for (uint32_t i = 0; second != NULL && i < second->peer_count; i++)
		CHECK(second->peers[i]->holders == 1);
	if (second != NULL)
		generation_free(second);
	free(records);
	return 0;
}

size_t fuzz_example(struct rng *rng, uint8_t *out)
{
	size_t count = rng_below(rng, 40);
	uint8_t outer = rng_once_in(rng, 2) ? 4 : 6;

	memset(out, 0, 1 + count * ROUTE_RECORD);
	out[0] = (uint8_t)(rng_below(rng, 128) << 1 | (outer == 6));
	for (size_t i = 0; i < count; i++) {
		uint8_t *record = out + 1 + i * ROUTE_RECORD;
		unsigned length = 8 * rng_below(rng, 5);

		record[RECORD_VERSION] = rng_once_in(rng, 3) ? 6 : 4;
		record[RECORD_PEER_VERSION] = outer;
		record[RECORD_LENGTH] = (uint8_t)length;
		for (unsigned at = 0; at < length / 8; at++)
			record[RECORD_PREFIX + at] = (uint8_t)rng_below(rng, at == 0 ? 2 : 20);
		record[RECORD_PEER + 3] = (uint8_t)rng_below(rng, 8);
	}
	return 1 + count * ROUTE_RECORD;
}
