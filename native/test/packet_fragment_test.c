/*
 * fragment.c: what a naive receiver puts together again is the packet that was cut, at any size, with any options,
 * at any MTU, also where the packet was a fragment already.
 */
#include "../src/packet/fragment.h"

#include "packets.h"

struct reassembly {
	uint8_t payload[PACKET_ROOM];
	uint8_t have[PACKET_ROOM];
	size_t end;			/* 0 until the last fragment came */
	int count;
};

/* Each option's copy flag decides whether it is in every fragment (RFC 791, section 3.1). */
static void check_options(const uint8_t *original, const uint8_t *fragment, size_t header, bool first)
{
	if (first) {
		CHECK(memcmp(original + 20, fragment + 20, header - 20) == 0);
		return;
	}
	for (size_t at = 20; at < header;) {
		uint8_t type = original[at];
		size_t size = type <= 1 ? 1 : original[at + 1];

		for (size_t i = at; i < at + size; i++)
			CHECK(fragment[i] == ((type & 0x80) != 0 || type == 0 ? original[i] : 1));
		if (type == 0)
			return;
		at += size;
	}
}

static void receive(struct reassembly *r, const uint8_t *original, const uint8_t *p, size_t length, uint32_t mtu)
{
	size_t header = (size_t)(p[0] & 15) * 4, offset = (get16(p + 6) & 0x1fffu) * 8, payload = length - header;
	bool more = (get16(p + 6) & 0x2000) != 0;

	CHECK(length <= mtu && packet_is_valid(p, length) && payload > 0);
	CHECK(get16(p + 4) == get16(original + 4) && p[1] == original[1] && p[8] == original[8] && p[9] == original[9]);
	CHECK(memcmp(p + 12, original + 12, 8) == 0 && (get16(p + 6) & 0x4000) == 0);
	check_options(original, p, header, r->count == 0);
	CHECK(offset + payload <= 65535);
	for (size_t i = offset; i < offset + payload; i++) {
		CHECK(r->have[i] == 0);
		r->have[i] = 1;
	}
	memcpy(r->payload + offset, p + header, payload);
	if (!more)
		r->end = offset + payload;
	r->count++;
}

/* Options that are well-formed, some of which are copied and some not. */
static uint8_t random_options(struct rng *rng, uint8_t *options)
{
	uint8_t length = (uint8_t)(4 * rng_below(rng, 11)), at = 0;

	memset(options, 1, 40);
	while (at < length) {
		uint8_t left = (uint8_t)(length - at), size = (uint8_t)(2 + rng_below(rng, 9));

		if (rng_once_in(rng, 12)) {
			options[at] = 0;
			memset(options + at, 0, left);
			break;
		}
		if (rng_once_in(rng, 4) || size > left) {
			options[at++] = 1;
			continue;
		}
		rng_fill(rng, options + at, size);
		options[at] = (uint8_t)((rng_next(rng) & 0x80) | (2 + rng_below(rng, 30)));
		options[at + 1] = size;
		at = (uint8_t)(at + size);
	}
	return length;
}

static void test_reassembly(struct rng *rng)
{
	static uint8_t data[PACKET_ROOM], packet[PACKET_ROOM];
	static struct reassembly r;
	struct packet_spec spec = packet_random(rng, 4, 99);
	uint32_t mtu = rng_once_in(rng, 3) ? 68 + rng_below(rng, 20) : 68 + rng_below(rng, 9000);
	size_t start = 0, payload, length;
	struct fragmenter fragmenter;
	bool more = false;
	struct ip_packet ip;
	uint8_t *copy, *out = malloc(mtu);

	CHECK(out != NULL);
	spec.fragment = 0;
	spec.ip_options_length = random_options(rng, spec.ip_options);
	payload = 1 + rng_below(rng, rng_once_in(rng, 4) ? 65535 - 60 : 3000);
	if (rng_once_in(rng, 2)) {
		start = 8 * rng_below(rng, (uint32_t)(65535 - payload) / 8);
		more = rng_once_in(rng, 2);
		if (more)
			payload = (payload + 7) / 8 * 8;
		if (start + payload > 65535)
			start = 0;
		spec.fragment = (uint16_t)((more ? 0x2000 : 0) | start / 8);
	}
	rng_fill(rng, data, payload);
	length = packet_build(packet, &spec, data, payload);
	CHECK(ip_parse(&ip, packet, length, false) == IP_FINE);
	copy = exact_copy(packet, length);
	memset(&r, 0, sizeof(r));
	CHECK(fragment_begin(&fragmenter, copy, &ip, mtu));
	while ((length = fragment_next(&fragmenter, out)) > 0)
		receive(&r, packet, out, length, mtu);
	CHECK(fragment_next(&fragmenter, out) == 0);
	CHECK(more ? r.end == 0 : r.end == start + payload);
	for (size_t i = 0; i < 65536; i++)
		CHECK(r.have[i] == (i >= start && i < start + payload));
	CHECK(memcmp(r.payload + start, data, payload) == 0);
	/* No more fragments than needed. */
	CHECK((size_t)r.count == (payload + ((mtu - ip.header) & ~7u) - 1) / ((mtu - ip.header) & ~7u) || r.count == 1);
	free(copy);
	free(out);
}

static void test_refusals(void)
{
	struct rng rng = rng_from(3);
	struct packet_spec spec = packet_random(&rng, 4, 17), v6 = packet_random(&rng, 6, 17);
	uint8_t packet[600], data[500] = { 0 };
	struct fragmenter fragmenter;
	struct ip_packet ip;

	spec.fragment = 0x4000;
	CHECK(ip_parse(&ip, packet, packet_build(packet, &spec, data, 500), false) == IP_FINE);
	CHECK(!fragment_begin(&fragmenter, packet, &ip, 400));
	spec.fragment = 0;
	CHECK(ip_parse(&ip, packet, packet_build(packet, &spec, data, 500), false) == IP_FINE);
	CHECK(!fragment_begin(&fragmenter, packet, &ip, 67) && fragment_begin(&fragmenter, packet, &ip, 68));
	CHECK(ip_parse(&ip, packet, packet_build(packet, &v6, data, 500), false) == IP_FINE);
	CHECK(!fragment_begin(&fragmenter, packet, &ip, 400));
}

/* Malformed options must not lead anywhere; what they become is of no interest. */
static void test_wild_options(struct rng *rng)
{
	for (int round = 0; round < 2000; round++) {
		struct packet_spec spec = packet_random(rng, 4, 99);
		uint8_t packet[400], data[300] = { 0 }, *out = malloc(128);
		struct fragmenter fragmenter;
		struct ip_packet ip;
		size_t length;

		CHECK(out != NULL);
		spec.fragment = 0;
		spec.ip_options_length = (uint8_t)(4 * rng_below(rng, 11));
		rng_fill(rng, spec.ip_options, 40);
		CHECK(ip_parse(&ip, packet, packet_build(packet, &spec, data, 300), false) == IP_FINE);
		CHECK(fragment_begin(&fragmenter, packet, &ip, 128));
		while ((length = fragment_next(&fragmenter, out)) > 0)
			CHECK(packet_is_valid(out, length) && length <= 128);
		free(out);
	}
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);

	for (int round = 0; round < 600; round++)
		test_reassembly(&rng);
	test_refusals();
	test_wild_options(&rng);
	return 0;
}
