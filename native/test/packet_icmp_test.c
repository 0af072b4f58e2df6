/*
 * icmp.c: who may be answered, what an answer says and quotes, both families.
 */
#include "../src/packet/icmp.h"

#include "packets.h"

static struct ip_packet parsed(const uint8_t *packet, size_t length)
{
	struct ip_packet ip;

	CHECK(ip_parse(&ip, packet, length, true) == IP_FINE);
	return ip;
}

/* An ICMP message of this type between two plain addresses may be answered. */
static bool answers_type(int version, uint8_t type)
{
	struct rng rng = rng_from(type);
	struct packet_spec spec = packet_random(&rng, version, version == 4 ? 1 : 58);
	uint8_t packet[256], payload[8] = { type };
	size_t length = packet_build(packet, &spec, payload, sizeof(payload));
	struct ip_packet ip = parsed(packet, length);
	uint8_t *copy = exact_copy(packet, length);
	bool may = icmp_may_answer(&ip, copy);

	free(copy);
	return may;
}

/* RFC 1812, 4.3.2.7 and RFC 4443, 2.4(e): errors and redirects are never answered, queries are. */
static void test_types(void)
{
	static const uint8_t queries_v4[] = { 0, 8, 13, 14, 15, 16, 17, 18 };

	for (int type = 0; type < 256; type++) {
		bool query = memchr(queries_v4, type, sizeof(queries_v4)) != NULL;

		CHECK(answers_type(4, (uint8_t)type) == query);
		CHECK(answers_type(6, (uint8_t)type) == (type >= 128 && type != 137));
	}
}

/* An ICMPv6 error behind an extension header is one all the same. */
static void test_behind_extension(void)
{
	for (int type = 1; type < 256; type += 127) {
		struct rng rng = rng_from((uint64_t)type);
		struct packet_spec spec = packet_random(&rng, 6, 58);
		uint8_t packet[256], payload[8] = { (uint8_t)type };
		struct ip_packet ip;
		size_t length;

		spec.extension = 1;
		length = packet_build(packet, &spec, payload, sizeof(payload));
		ip = parsed(packet, length);
		CHECK(icmp_may_answer(&ip, packet) == (type >= 128));
	}
}

/* An IPv6 fragment is answered when it is the first, as one of IPv4 is. */
static void test_fragments_v6(void)
{
	for (int first = 0; first < 2; first++) {
		struct rng rng = rng_from(1);
		struct packet_spec spec = packet_random(&rng, 6, 44);
		uint8_t packet[256], payload[16] = { 58, 0, 0, 1, 0, 0, 0, 1, 128 };
		struct ip_packet ip;
		size_t length;

		payload[3] = first ? 1 : 9;
		length = packet_build(packet, &spec, payload, sizeof(payload));
		ip = parsed(packet, length);
		CHECK(icmp_may_answer(&ip, packet) == (first == 1));
		/* And not when it is the first of an error. */
		packet[48] = 1;
		CHECK(!icmp_may_answer(&ip, packet));
	}
}

static bool answers(int version, const char *source, const char *destination, uint16_t fragment, size_t payload)
{
	struct rng rng = rng_from(1);
	struct packet_spec spec = packet_random(&rng, version, version == 4 ? 1 : 58);
	uint8_t packet[256], data[8] = { version == 4 ? 8 : 128 };
	struct ip_packet ip;
	uint8_t *copy;
	size_t length;
	bool may;

	hex(spec.source, source);
	hex(spec.destination, destination);
	spec.fragment = fragment;
	length = packet_build(packet, &spec, data, payload);
	ip = parsed(packet, length);
	copy = exact_copy(packet, length);
	may = icmp_may_answer(&ip, copy);
	free(copy);
	return may;
}

static void test_addresses(void)
{
	const char *a6 = "fd000000000000000000000000000001", *b6 = "fd000000000000000000000000000002";

	CHECK(answers(4, "0a000001", "0a000002", 0, 8) && answers(4, "0a000001", "0a000002", 0x2000, 8));
	CHECK(!answers(4, "0a000001", "0a000002", 0x2001, 8) && !answers(4, "0a000001", "0a000002", 1, 8));
	CHECK(!answers(4, "0a000001", "0a000002", 0, 0));
	CHECK(!answers(4, "00000000", "0a000002", 0, 8) && !answers(4, "7f000001", "0a000002", 0, 8));
	CHECK(!answers(4, "e0000001", "0a000002", 0, 8) && !answers(4, "ffffffff", "0a000002", 0, 8));
	CHECK(!answers(4, "0a000001", "e0000001", 0, 8) && !answers(4, "0a000001", "ffffffff", 0, 8));
	CHECK(answers(6, a6, b6, 0, 8) && !answers(6, a6, b6, 0, 0));
	CHECK(!answers(6, "00000000000000000000000000000000", b6, 0, 8));
	CHECK(!answers(6, "ff020000000000000000000000000001", b6, 0, 8));
	CHECK(!answers(6, a6, "ff020000000000000000000000000001", 0, 8));
}

/* Type, code, quote, checksums of an answer to a packet of this length, out of a buffer of no byte more. */
static void check_answer(struct rng *rng, int version, size_t payload, enum icmp_error error)
{
	static const uint8_t expected[2][3][2] = { { { 3, 0 }, { 11, 0 }, { 3, 4 } }, { { 1, 0 }, { 3, 0 }, { 2, 0 } } };
	struct packet_spec spec = packet_random(rng, version, 99);
	struct ip_address from = { 0, 0x0a0000fe };
	static uint8_t packet[PACKET_ROOM], data[PACKET_ROOM];
	uint8_t *out = malloc(ICMP_LONGEST), *copy;
	size_t header = version == 4 ? 20 : 40, most = (version == 4 ? 576u : 1280u) - header - 8, length, answer;
	uint16_t mtu = (uint16_t)rng_next(rng);
	struct ip_packet ip;

	CHECK(out != NULL);
	rng_fill(rng, data, payload);
	length = packet_build(packet, &spec, data, payload);
	ip = parsed(packet, length);
	copy = exact_copy(packet, length);
	if (version == 6)
		from.high = UINT64_C(0xfd00000000000000);
	answer = icmp_write(out, error, mtu, from, &ip, copy);
	CHECK(answer == header + 8 + (length < most ? length : most) && answer <= ICMP_LONGEST);
	CHECK(packet_is_valid(out, answer));
	if (version == 4) {
		CHECK(naive_sum(0, out + header, answer - header) == 0xffff);
		CHECK(out[9] == 1 && out[0] == 0x45 && get32(out + 12) == 0x0a0000fe);
		CHECK(memcmp(out + 16, spec.source, 4) == 0 && get16(out + 6) == 0 && out[8] == 64);
	} else {
		uint8_t rest[8] = { 0 };

		put32(rest, (uint32_t)(answer - 40));
		rest[7] = 58;
		CHECK(naive_sum(naive_sum(naive_sum(0, out + 8, 32), rest, 8), out + 40, answer - 40) == 0xffff);
		CHECK(out[6] == 58 && out[8] == 0xfd && out[23] == 0xfe && memcmp(out + 24, spec.source, 16) == 0);
	}
	CHECK(out[header] == expected[version == 6][error][0] && out[header + 1] == expected[version == 6][error][1]);
	/* Next-hop MTU: 16 bits behind 16 unused ones (RFC 1191), or 32 bits (RFC 4443). */
	CHECK(get32(out + header + 4) == (error == ICMP_TOO_BIG ? mtu : 0));
	CHECK(memcmp(out + header + 8, packet, answer - header - 8) == 0);
	free(out);
	free(copy);
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);

	test_types();
	test_behind_extension();
	test_fragments_v6();
	test_addresses();
	for (int round = 0; round < 3000; round++)
		check_answer(&rng, rng_once_in(&rng, 2) ? 4 : 6, rng_below(&rng, rng_once_in(&rng, 10) ? 65000 : 1600),
			     (enum icmp_error)rng_below(&rng, 3));
	return 0;
}
