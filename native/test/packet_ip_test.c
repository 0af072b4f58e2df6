/*
 * ip_packet.c and ecn.h: golden headers, every fault, the two changes that are made to a header in flight, and all
 * sixteen combinations of RFC 6040.
 */
#include "../src/packet/ecn.h"
#include "../src/packet/ip_packet.h"

#include "packets.h"

static struct ip_packet ip;

static enum ip_fault parse(const uint8_t *data, size_t length, bool trusted)
{
	uint8_t *copy = exact_copy(data, length);
	enum ip_fault fault;

	memset(&ip, 0xee, sizeof(ip));
	fault = ip_parse(&ip, copy, length, trusted);
	free(copy);
	return fault;
}

/* What flannel's own udp backend put on the wire for a ping 10.5.40.0 > 10.5.64.0, by tcpdump. It had sent TTL 64. */
static void test_golden_v4(void)
{
	uint8_t packet[84] = { 0 };

	hex(packet, "4500 0054 77d8 4000 3f01 47c7 0a05 2800 0a05 4000 0800 f638 36d5 0001");
	CHECK(parse(packet, 84, false) == IP_FINE);
	CHECK(ip.version == 4 && ip.header == 20 && ip.length == 84 && ip.id == 0x77d8 && ip.hop_limit == 63);
	CHECK(ip.protocol == 1 && ip.dont_fragment && !ip.more_fragments && ip.fragment_offset == 0);
	CHECK(ip.source.high == 0 && ip.source.low == 0x0a052800 && ip.destination.low == 0x0a054000);
	CHECK(ip.traffic_class == 0 && !ip_is_fragment(&ip));
	/* And as it was before flannel took one from the TTL: the patch gives the same bytes. */
	packet[8] = 64;
	hex(packet + 10, "46c7");
	CHECK(parse(packet, 84, false) == IP_FINE);
	ip_decrement(packet);
	CHECK(packet[8] == 63 && get16(packet + 10) == 0x47c7);
}

/* RFC 8200's header with RFC 3849's documentation addresses, written by hand. */
static void test_golden_v6(void)
{
	uint8_t packet[48];

	CHECK(hex(packet, "6ab12345 0008 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002"
			  "0035 0035 0008 0000") == 48);
	CHECK(parse(packet, 48, false) == IP_FINE);
	CHECK(ip.version == 6 && ip.header == 40 && ip.length == 48 && ip.traffic_class == 0xab && ip.hop_limit == 64);
	CHECK(ip.protocol == 17 && ip.dont_fragment && !ip_is_fragment(&ip) && ip.id == 0);
	CHECK(ip.source.high == UINT64_C(0x20010db800000000) && ip.source.low == 1 && ip.destination.low == 2);
	/* The traffic class lies across two bytes; nothing beside it may change. */
	ip_set_ecn(packet, 1);
	CHECK(get32(packet) == 0x6a912345);
	packet[6] = 44;
	CHECK(parse(packet, 48, false) == IP_FINE && ip_is_fragment(&ip));
	/* A jumbogram has length 0; a length beyond the longest packet of IPv4 is no packet of ours. */
	put16(packet + 4, 65535);
	CHECK(parse(packet, 48, false) == IP_MALFORMED);
}

static void test_faults(void)
{
	uint8_t packet[60] = { 0 };

	hex(packet, "4500 0014 0000 0000 4001 0000 0a000001 0a000002");
	packet_mend(packet, false);
	CHECK(parse(packet, 0, false) == IP_TRUNCATED && parse(packet, 1, false) == IP_TRUNCATED);
	CHECK(parse(packet, 19, false) == IP_TRUNCATED && parse(packet, 20, false) == IP_FINE);
	/* What follows the packet is not part of it. */
	CHECK(parse(packet, 60, false) == IP_FINE && ip.length == 20);
	packet[10]++;
	CHECK(parse(packet, 20, false) == IP_WRONG_SUM && parse(packet, 20, true) == IP_FINE);
	packet[0] = 0x44;
	CHECK(parse(packet, 20, true) == IP_MALFORMED);
	packet[0] = 0x46;
	CHECK(parse(packet, 60, true) == IP_MALFORMED);
	put16(packet + 2, 61);
	CHECK(parse(packet, 60, true) == IP_TRUNCATED);
	packet[0] = 0x4f;
	put16(packet + 2, 60);
	CHECK(parse(packet, 60, true) == IP_FINE && ip.header == 60);
	for (int version = 0; version < 16; version++) {
		packet[0] = (uint8_t)(version << 4 | 5);
		if (version != 4 && version != 6)
			CHECK(parse(packet, 60, true) == IP_MALFORMED);
	}
	/* The "ping of death": a fragment that ends beyond 65,535. */
	packet[0] = 0x45;
	put16(packet + 6, 0x1fff);
	put16(packet + 2, 28);
	CHECK(parse(packet, 60, true) == IP_MALFORMED);
	put16(packet + 2, 27);
	CHECK(parse(packet, 60, true) == IP_FINE && ip.fragment_offset == 65528);
	packet[0] = 0x60;
	put16(packet + 4, 21);
	CHECK(parse(packet, 39, true) == IP_TRUNCATED && parse(packet, 60, true) == IP_TRUNCATED);
	put16(packet + 4, 20);
	CHECK(parse(packet, 60, true) == IP_FINE && ip.length == 60);
}

/* A header that was right is right after each change, and only what was to change did. */
static void test_changes(struct rng *rng)
{
	uint8_t before[128], after[128], payload[8] = { 0 };

	for (int round = 0; round < 20000; round++) {
		int version = rng_once_in(rng, 2) ? 4 : 6;
		struct packet_spec spec = packet_random(rng, version, 99);
		uint8_t ecn = (uint8_t)rng_below(rng, 4);
		size_t length;

		spec.ip_options_length = version == 4 ? (uint8_t)(4 * rng_below(rng, 11)) : 0;
		rng_fill(rng, spec.ip_options, 40);
		length = packet_build(before, &spec, payload, 8);
		memcpy(after, before, length);
		ip_decrement(after);
		CHECK(packet_is_valid(after, length));
		CHECK(after[version == 4 ? 8 : 7] == spec.ttl - 1);
		after[version == 4 ? 8 : 7]++;
		CHECK(version == 6 || memcmp(after, before, 10) == 0);
		memcpy(after, before, length);
		ip_set_ecn(after, ecn);
		CHECK(packet_is_valid(after, length) && parse(after, length, false) == IP_FINE);
		CHECK(ip.traffic_class == ((spec.class & 0xfc) | ecn));
		CHECK(ip.hop_limit == spec.ttl && ip.id == (version == 4 ? spec.id : 0));
		CHECK(version == 4 || (get32(after) & 0xfffff) == spec.label);
		CHECK(memcmp(after + (version == 4 ? 12 : 2), before + (version == 4 ? 12 : 2),
			     length - (version == 4 ? 12 : 2)) == 0);
	}
}

static void test_addresses(struct rng *rng)
{
	static const struct { int version; const char *address; bool unicast; } table[] = {
		{ 4, "00000000", false }, { 4, "ffffffff", false }, { 4, "e0000001", false }, { 4, "efffffff", false },
		{ 4, "f0000001", false }, { 4, "0a000001", true }, { 4, "dfffffff", true },
		{ 6, "00000000000000000000000000000000", false }, { 6, "00000000000000000000000000000001", true },
		{ 6, "ff020000000000000000000000000001", false }, { 6, "fe800000000000000000000000000001", true },
		{ 6, "fd000000000000000000000000000000", true },
	};
	uint8_t bytes[16], again[16];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		hex(bytes, table[i].address);
		CHECK(ip_is_unicast(ip_read_address(bytes, table[i].version), table[i].version) == table[i].unicast);
	}
	for (int round = 0; round < 1000; round++) {
		rng_fill(rng, bytes, 16);
		ip_write_address(again, 6, ip_read_address(bytes, 6));
		CHECK(memcmp(bytes, again, 16) == 0);
		memset(again, 0, 16);
		ip_write_address(again, 4, ip_read_address(bytes, 4));
		CHECK(memcmp(bytes, again, 4) == 0 && again[4] == 0 && ip_read_address(bytes, 4).high == 0);
	}
}

/* RFC 6040, figure 4. Rows: inner Not-ECT, ECT(1), ECT(0), CE; columns: outer in the same order. -1: dropped. */
static void test_ecn(void)
{
	static const int table[4][4] = {
		[0] = { [0] = 0, [1] = 0, [2] = 0, [3] = -1 },
		[1] = { [0] = 1, [1] = 1, [2] = 1, [3] = 3 },
		[2] = { [0] = 2, [1] = 1, [2] = 2, [3] = 3 },
		[3] = { [0] = 3, [1] = 3, [2] = 3, [3] = 3 },
	};

	for (int inner = 0; inner < 256; inner++) {
		CHECK(ecn_encapsulate((uint8_t)inner) == inner);
		for (int outer = 0; outer < 256; outer++)
			CHECK(ecn_decapsulate((uint8_t)inner, (uint8_t)outer) == table[inner & 3][outer & 3]);
	}
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);

	test_golden_v4();
	test_golden_v6();
	test_faults();
	test_changes(&rng);
	test_addresses(&rng);
	test_ecn();
	return 0;
}
