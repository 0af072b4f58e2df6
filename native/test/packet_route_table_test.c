/*
 * route_table.c against a linear longest-prefix search: random prefixes of both families, the extremes, ten thousand
 * routes, and what is no prefix.
 */
#include "../src/packet/route_table.h"

#include "check.h"

#include <errno.h>

#define MOST 10000

static bool bit(struct ip_address address, int version, unsigned at)
{
	unsigned place = (version == 4 ? 31 : 127) - at;

	return (place < 64 ? address.low >> place : address.high >> (place - 64)) & 1;
}

static uint32_t naive_find(const struct route *routes, size_t count, int version, struct ip_address address)
{
	uint32_t value = ROUTE_NONE;
	int best = -1;

	for (size_t i = 0; i < count; i++) {
		unsigned at = 0;

		if (routes[i].version != version || (int)routes[i].length <= best)
			continue;
		while (at < routes[i].length && bit(routes[i].prefix, version, at) == bit(address, version, at))
			at++;
		if (at < routes[i].length)
			continue;
		best = routes[i].length;
		value = routes[i].value;
	}
	return value;
}

static struct ip_address masked(struct ip_address address, int version, unsigned length)
{
	struct ip_address result = { 0, 0 };

	for (unsigned at = 0; at < length; at++) {
		unsigned place = (version == 4 ? 31 : 127) - at;

		if (!bit(address, version, at))
			continue;
		if (place < 64)
			result.low |= UINT64_C(1) << place;
		else
			result.high |= UINT64_C(1) << (place - 64);
	}
	return result;
}

/* Few bits differ, so that prefixes lie in one another. */
static struct ip_address random_address(struct rng *rng, int version, bool dense)
{
	struct ip_address address = { rng_next(rng), rng_next(rng) };

	if (dense) {
		address.high = UINT64_C(0xfd00000000000000) | (rng_next(rng) & 3);
		address.low &= UINT64_C(0x8000000180000103);
	}
	if (version == 4)
		address = (struct ip_address){ 0, dense ? 0x0a000000 | (rng_next(rng) & 0xf0f) : address.low & 0xffffffff };
	return address;
}

static void test_random(struct rng *rng, size_t count, int lookups)
{
	struct route *routes = calloc(count + 1, sizeof(*routes));
	struct route_table *table = NULL;
	bool dense = rng_once_in(rng, 2);
	size_t made = 0;

	CHECK(routes != NULL);
	for (size_t i = 0; i < count; i++) {
		int version = rng_once_in(rng, 2) ? 4 : 6;
		unsigned most = version == 4 ? 32 : 128;
		unsigned length = rng_once_in(rng, 8) ? (rng_once_in(rng, 2) ? 0 : most) : rng_below(rng, most + 1);
		struct route route = { .version = (uint8_t)version, .length = (uint8_t)length, .value = (uint32_t)i };
		bool twice = false;

		route.prefix = masked(random_address(rng, version, dense), version, length);
		for (size_t j = 0; j < made && !twice; j++)
			twice = routes[j].version == version && routes[j].length == length &&
				ip_same_address(routes[j].prefix, route.prefix);
		if (!twice)
			routes[made++] = route;
	}
	CHECK(route_table_build(&table, routes, made) == 0);
	for (int i = 0; i < lookups; i++) {
		int version = rng_once_in(rng, 2) ? 4 : 6;
		struct ip_address address = random_address(rng, version, dense);

		/* Often one that lies in a route. */
		if (made > 0 && rng_once_in(rng, 2)) {
			const struct route *route = &routes[rng_below(rng, (uint32_t)made)];

			version = route->version;
			address = route->prefix;
			if (rng_once_in(rng, 2))
				address.low ^= rng_next(rng) & 0xff;
		}
		CHECK(route_table_find(table, version, address) == naive_find(routes, made, version, address));
	}
	route_table_free(table);
	free(routes);
}

static void test_extremes(void)
{
	const struct route routes[] = {
		{ .version = 4, .length = 0, .value = 1 }, { .version = 4, .length = 32, .prefix = { 0, 0xffffffff }, .value = 2 },
		{ .version = 4, .length = 32, .prefix = { 0, 0 }, .value = 3 },
		{ .version = 6, .length = 0, .value = 4 }, { .version = 6, .length = 64, .prefix = { 5, 0 }, .value = 5 },
		{ .version = 6, .length = 128, .prefix = { 5, 1 }, .value = 6 }, { .version = 6, .length = 65, .prefix = { 5, 0 }, .value = 7 },
		{ .version = 6, .length = 63, .prefix = { 4, 0 }, .value = 8 }, { .version = 6, .length = 1, .prefix = { UINT64_C(1) << 63, 0 }, .value = 9 },
	};
	const struct { int version; struct ip_address address; uint32_t value; } finds[] = {
		{ 4, { 0, 1 }, 1 }, { 4, { 0, 0xffffffff }, 2 }, { 4, { 0, 0 }, 3 }, { 4, { 0, 0xfffffffe }, 1 },
		{ 6, { 0, 0 }, 4 }, { 6, { 5, 1 }, 6 }, { 6, { 5, 2 }, 7 }, { 6, { 5, UINT64_C(1) << 63 }, 5 },
		{ 6, { 4, 0 }, 8 }, { 6, { 6, 0 }, 4 }, { 6, { UINT64_MAX, UINT64_MAX }, 9 },
	};
	struct route_table *table = NULL;

	CHECK(route_table_build(&table, routes, sizeof(routes) / sizeof(routes[0])) == 0);
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++)
		CHECK(route_table_find(table, finds[i].version, finds[i].address) == finds[i].value);
	route_table_free(table);
	CHECK(route_table_build(&table, NULL, 0) == 0);
	CHECK(route_table_find(table, 4, finds[0].address) == ROUTE_NONE && route_table_find(table, 6, finds[5].address) == ROUTE_NONE);
	route_table_free(table);
	route_table_free(NULL);
}

static void test_refusals(void)
{
	static const struct route wrong[] = {
		{ .version = 5, .length = 8 }, { .version = 0 }, { .version = 4, .length = 33 }, { .version = 6, .length = 129 },
		{ .version = 4, .length = 24, .prefix = { 0, 0x0a000001 } }, { .version = 4, .length = 32, .prefix = { 1, 0 } },
		{ .version = 4, .length = 32, .prefix = { 0, UINT64_C(1) << 32 } }, { .version = 4, .length = 0, .prefix = { 0, 1 } },
		{ .version = 6, .length = 64, .prefix = { 1, 1 } }, { .version = 4, .length = 8, .prefix = { 0, 0x0a000000 }, .value = ROUTE_NONE },
	};
	const struct route twice[2] = { { .version = 4, .length = 8, .prefix = { 0, 0x0a000000 } },
					{ .version = 4, .length = 8, .prefix = { 0, 0x0a000000 }, .value = 1 } };
	struct route_table *table = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(route_table_build(&table, &wrong[i], 1) == -EINVAL && table == NULL);
	CHECK(route_table_build(&table, twice, 2) == -EEXIST && table == NULL);
}

/* As a cluster is: a /24 for each node. A lookup takes no longer than among ten, by a wide margin. */
static double lookups_of(struct rng *rng, uint32_t count)
{
	struct route *routes = calloc(count, sizeof(*routes));
	struct route_table *table = NULL;
	struct timespec from, to;

	CHECK(routes != NULL);
	for (uint32_t i = 0; i < count; i++)
		routes[i] = (struct route){ .version = 4, .length = 24, .prefix = { 0, 0x0a000000 + (i << 8) }, .value = i };
	CHECK(route_table_build(&table, routes, count) == 0);
	for (uint32_t i = 0; i < count; i++)
		CHECK(route_table_find(table, 4, (struct ip_address){ 0, 0x0a000000 + (i << 8) + 77 }) == i);
	CHECK(route_table_find(table, 4, (struct ip_address){ 0, 0x0a000000 + (count << 8) }) == ROUTE_NONE);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int i = 0; i < 50000; i++)
		(void)route_table_find(table, 4, (struct ip_address){ 0, 0x0a000000 + (rng_below(rng, count) << 8) });
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	route_table_free(table);
	free(routes);
	return (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);
	double few, many;

	for (int round = 0; round < 200; round++)
		test_random(&rng, rng_below(&rng, 60), 200);
	test_random(&rng, MOST, 400);
	test_extremes();
	test_refusals();
	few = lookups_of(&rng, 10);
	many = lookups_of(&rng, MOST);
	printf("50,000 lookups among 10 routes: %.0f us, among %d: %.0f us\n", few / 1e3, MOST, many / 1e3);
	CHECK(many < 20 * few);
	return 0;
}
