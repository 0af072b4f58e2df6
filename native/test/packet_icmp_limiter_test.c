/*
 * icmp_limiter.c: the bucket against a simulation in whole milliseconds, "too big" once a flow and second, and clocks
 * that begin anywhere.
 */
#include "../src/dataplane/icmp_limiter.h"

#include "packets.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static struct ip_packet make(uint8_t *packet, uint16_t port, uint8_t host)
{
	struct rng rng = rng_from(1);
	struct packet_spec spec = packet_random(&rng, 4, 17);
	struct ip_packet ip;
	uint8_t payload[4] = { 0 };

	spec.source_port = port;
	spec.source[3] = host;
	CHECK(ip_parse(&ip, packet, packet_build(packet, &spec, payload, 4), false) == IP_FINE);
	return ip;
}

/* A hundred at once, a thousand a second from then on, whatever the spacing. */
static void test_bucket(struct rng *rng)
{
	struct icmp_limiter limiter = { 0 };
	uint8_t packet[64];
	struct ip_packet ip = make(packet, 1, 1);
	uint64_t start = 1 + rng_next(rng) % (SECOND * 1000000), now = start;
	uint64_t allowed = 0;

	for (int i = 0; i < 200; i++)
		allowed += icmp_limiter_allows(&limiter, ICMP_EXPIRED, &ip, packet, now);
	CHECK(allowed == 100);
	while (now < start + 2 * SECOND) {
		now += rng_below(rng, 3 * MS / 2);
		allowed += icmp_limiter_allows(&limiter, ICMP_NO_ROUTE, &ip, packet, now);
		CHECK(allowed <= 100 + (now - start) / MS);
	}
	for (int i = 0; i < 200; i++)
		allowed += icmp_limiter_allows(&limiter, ICMP_NO_ROUTE, &ip, packet, now);
	/* Nobody asked more often than it fills, but then all that was left is there. */
	CHECK(allowed >= 100 + (now - start) / MS - 100 && allowed <= 100 + (now - start) / MS);
	now += 3600 * SECOND;
	allowed = 0;
	for (int i = 0; i < 200; i++)
		allowed += icmp_limiter_allows(&limiter, ICMP_EXPIRED, &ip, packet, now);
	CHECK(allowed == 100);
}

static void test_flows(void)
{
	struct icmp_limiter limiter = { 0 };
	uint8_t a[64], b[64], c[64];
	struct ip_packet ip_a = make(a, 1, 1), ip_b = make(b, 2, 1), ip_c = make(c, 1, 2);
	uint64_t now = 5 * SECOND;

	CHECK(icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip_a, a, now));
	CHECK(!icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip_a, a, now));
	CHECK(!icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip_a, a, now + SECOND - 1));
	CHECK(icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip_b, b, now) && icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip_c, c, now));
	CHECK(icmp_limiter_allows(&limiter, ICMP_EXPIRED, &ip_a, a, now) && icmp_limiter_allows(&limiter, ICMP_NO_ROUTE, &ip_a, a, now));
	CHECK(icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip_a, a, now + SECOND));
}

/* What was not told because the flow knew, takes nothing from the others. */
static void test_told_costs_nothing(void)
{
	struct icmp_limiter limiter = { 0 };
	uint8_t packet[64];
	struct ip_packet ip = make(packet, 1, 1);
	uint64_t now = SECOND;
	int allowed = 0;

	CHECK(icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip, packet, now));
	for (int i = 0; i < 1000; i++)
		CHECK(!icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip, packet, now));
	for (int i = 0; i < 200; i++)
		allowed += icmp_limiter_allows(&limiter, ICMP_EXPIRED, &ip, packet, now);
	CHECK(allowed == 99);
}

/* The ports are looked at only where the packet has them. */
static void test_short(void)
{
	struct icmp_limiter limiter = { 0 };
	uint8_t packet[20], *copy;
	struct ip_packet ip;

	hex(packet, "4500 0014 0000 0000 4011 0000 0a000001 0a000002");
	copy = exact_copy(packet, 20);
	CHECK(ip_parse(&ip, copy, 20, true) == IP_FINE);
	CHECK(icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip, copy, 1) && !icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip, copy, 2));
	free(copy);
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);

	for (int round = 0; round < 50; round++)
		test_bucket(&rng);
	test_flows();
	test_told_costs_nothing();
	test_short();
	return 0;
}
