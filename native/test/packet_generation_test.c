/*
 * generation.c and peer.c: records become routes, peers live on across generations with what they counted and learned,
 * everything is freed, and a wrong record changes nothing.
 */
#include "../src/dataplane/generation.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>

static const struct prefix own[] = { { .version = 4, .length = 24, .address = { 0, 0x0a050100 } },
				     { .version = 6, .length = 64, .address = { UINT64_C(0xfd00000000000001), 0 } } };
static const struct generation_options options = {
	.port = 8285, .workers = 3, .own = own, .own_count = 2, .outer_version = 4,
};

static void record(uint8_t *at, uint32_t network, uint8_t length, uint32_t peer)
{
	memset(at, 0, ROUTE_RECORD);
	at[RECORD_VERSION] = 4;
	at[RECORD_LENGTH] = length;
	at[RECORD_PEER_VERSION] = 4;
	write32(at + RECORD_PREFIX, network);
	write32(at + RECORD_PEER, peer);
}

static struct ip_address v4(uint32_t address)
{
	return (struct ip_address){ 0, address };
}

static void test_plain(void)
{
	uint8_t records[3 * ROUTE_RECORD];
	struct generation *g = NULL;
	struct peer *peer;

	record(records, 0x0a050200, 24, 0xc0a83202);
	record(records + ROUTE_RECORD, 0x0a050300, 24, 0xc0a83203);
	record(records + 2 * ROUTE_RECORD, 0x0a050380, 25, 0xc0a83202);
	CHECK(generation_new(&g, &options, records, 3, NULL) == 0 && g->peer_count == 2);
	peer = generation_route(g, 4, v4(0x0a050207));
	CHECK(peer != NULL && peer->ip.low == 0xc0a83202 && peer == generation_route(g, 4, v4(0x0a050381)));
	CHECK(peer == generation_sender(g, 4, v4(0xc0a83202)) && peer->workers == 3 && peer->version == 4);
	CHECK(peer->address.v4.sin_family == AF_INET && peer->address.v4.sin_port == htons(8285));
	CHECK(peer->address.v4.sin_addr.s_addr == htonl(0xc0a83202) && peer->address_length == sizeof(struct sockaddr_in));
	CHECK((uintptr_t)peer->traffic % 64 == 0 && sizeof(peer->traffic[0]) == 64);
	CHECK(generation_route(g, 4, v4(0x0a050301))->ip.low == 0xc0a83203);
	CHECK(generation_route(g, 4, v4(0x0a050400)) == NULL && generation_sender(g, 4, v4(0xc0a83204)) == NULL);
	CHECK(generation_route(g, 6, v4(0x0a050207)) == NULL && generation_sender(g, 6, v4(0xc0a83202)) == NULL);
	CHECK(generation_is_own(g, 4, v4(0x0a0501ff)) && !generation_is_own(g, 4, v4(0x0a050200)));
	CHECK(generation_is_own(g, 6, (struct ip_address){ own[1].address.high, 77 }));
	generation_free(g);
	CHECK(generation_new(&g, &options, NULL, 0, NULL) == 0 && g->peer_count == 0);
	CHECK(generation_route(g, 4, v4(0)) == NULL && generation_is_own(g, 4, v4(0x0a050101)));
	generation_free(g);
}

static void test_outer_v6(void)
{
	struct generation_options outer = options;
	uint8_t records[ROUTE_RECORD];
	struct generation *g = NULL;

	record(records, 0x0a050200, 24, 0);
	records[RECORD_PEER_VERSION] = 6;
	CHECK(hex(records + RECORD_PEER, "20010db8000000000000000000000002") == 16);
	CHECK(generation_new(&g, &options, records, 1, NULL) == -EINVAL);
	outer.outer_version = 6;
	CHECK(generation_new(&g, &outer, records, 1, NULL) == 0);
	CHECK(g->peers[0]->address.v6.sin6_family == AF_INET6 && g->peers[0]->address_length == sizeof(struct sockaddr_in6));
	CHECK(memcmp(&g->peers[0]->address.v6.sin6_addr, records + RECORD_PEER, 16) == 0);
	generation_free(g);
}

/* A peer that stays keeps its numbers; one that went and came is a new one. */
static void test_taking_over(void)
{
	uint8_t records[2 * ROUTE_RECORD];
	struct generation *first, *second, *third;
	struct peer *peer;

	record(records, 0x0a050200, 24, 1);
	record(records + ROUTE_RECORD, 0x0a050300, 24, 2);
	CHECK(generation_new(&first, &options, records, 2, NULL) == 0);
	peer = generation_sender(first, 4, v4(2));
	count(&peer->traffic[2].received_bytes, 77);
	CHECK(peer->holders == 1);
	CHECK(generation_new(&second, &options, records + ROUTE_RECORD, 1, first) == 0);
	CHECK(generation_sender(second, 4, v4(2)) == peer && peer->holders == 2);
	generation_free(first);
	CHECK(peer->holders == 1 && atomic_load(&peer->traffic[2].received_bytes) == 77);
	CHECK(generation_new(&third, &options, records, 2, second) == 0);
	CHECK(generation_sender(third, 4, v4(2)) == peer);
	generation_free(third);
	CHECK(peer->holders == 1);
	generation_free(second);
}

static void test_refusals(void)
{
	static const struct prefix wrong_own = { .version = 4, .length = 24, .address = { 0, 1 } };
	struct generation_options wrong = options;
	uint8_t good[2 * ROUTE_RECORD], bad[2 * ROUTE_RECORD];
	struct generation *before, *g = NULL;

	record(good, 0x0a050200, 24, 1);
	record(good + ROUTE_RECORD, 0x0a050300, 24, 2);
	CHECK(generation_new(&before, &options, good, 2, NULL) == 0);
#define REFUSED(error, change) do { \
		memcpy(bad, good, sizeof(bad)); \
		change; \
		CHECK(generation_new(&g, &options, bad, 2, before) == (error) && g == NULL); \
		CHECK(before->peers[0]->holders == 1 && before->peers[1]->holders == 1); \
	} while (0)
	REFUSED(-EINVAL, bad[ROUTE_RECORD + RECORD_VERSION] = 5);
	REFUSED(-EINVAL, bad[ROUTE_RECORD + RECORD_VERSION] = 0);
	REFUSED(-EINVAL, bad[ROUTE_RECORD + RECORD_PEER_VERSION] = 6);
	REFUSED(-EINVAL, bad[ROUTE_RECORD + RECORD_LENGTH] = 33);
	REFUSED(-EINVAL, bad[ROUTE_RECORD + RECORD_PREFIX + 3] = 1);
	REFUSED(-EEXIST, memcpy(bad, good + ROUTE_RECORD, ROUTE_RECORD));
	wrong.own = &wrong_own;
	wrong.own_count = 1;
	CHECK(generation_new(&g, &wrong, good, 2, before) == -EINVAL && g == NULL);
	generation_free(before);
}

/* Thousands of peers, coming and going: nothing is lost, nothing is freed twice, each destination has its peer. */
static void test_many(struct rng *rng)
{
	enum { MOST = 2000 };
	static uint8_t records[MOST * ROUTE_RECORD];
	struct generation *before = NULL, *next;

	for (int round = 0; round < 30; round++) {
		uint32_t count = rng_below(rng, MOST), shift = rng_below(rng, 50), share = 1 + rng_below(rng, 4);

		for (uint32_t i = 0; i < count; i++)
			record(records + i * ROUTE_RECORD, 0x0a000000 + (i << 8), 24, 0xc0000000 + i / share + shift);
		CHECK(generation_new(&next, &options, records, count, before) == 0);
		if (before != NULL)
			generation_free(before);
		before = next;
		for (uint32_t i = 0; i < count; i++)
			CHECK(generation_route(next, 4, v4(0x0a000000 + (i << 8) + 5))->ip.low == 0xc0000000 + i / share + shift);
		CHECK(next->peer_count == (count + share - 1) / share);
		for (uint32_t i = 0; i < next->peer_count; i++)
			CHECK(next->peers[i]->holders == 1);
	}
	generation_free(before);
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);

	test_plain();
	test_outer_v6();
	test_taking_over();
	test_refusals();
	test_many(&rng);
	return 0;
}
