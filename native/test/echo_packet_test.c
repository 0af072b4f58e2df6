/*
 * echo_packet.c: what is written is read, golden bytes, errors that quote much or little, and bytes of any kind, lying at
 * odd addresses in areas of exactly their size.
 */
#include "../src/icmp/echo_packet.h"

#include "check.h"

#define ID 0x1234

/* An IP packet with one ICMP message in it; returns its length. */
static size_t wrap(uint8_t *packet, const uint8_t *icmp, size_t length, uint8_t protocol)
{
	hex(packet, "45000000 00004000 40010000 c0a83202 c0a83201");
	packet[2] = (uint8_t)((length + 20) >> 8);
	packet[3] = (uint8_t)(length + 20);
	packet[9] = protocol;
	memcpy(packet + 20, icmp, length);
	return length + 20;
}

static void set_checksum(uint8_t *icmp, size_t length)
{
	uint16_t sum;

	icmp[2] = icmp[3] = 0;
	sum = (uint16_t)~naive_sum(0, icmp, length);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
}

/* At an odd address, in an area of exactly its size. */
static bool parse(const uint8_t *packet, size_t length, uint16_t identifier, struct echo_packet *ret)
{
	uint8_t *area = malloc(length + 1);
	bool result;

	CHECK(area != NULL);
	if (length > 0)
		memcpy(area + 1, packet, length);
	result = echo_parse(area + 1, length, identifier, ret);
	free(area);
	return result;
}

static void test_golden(void)
{
	uint8_t payload[8], written[18], expected[18];

	hex(payload, "666c5031 01010000");
	echo_write(written, sizeof(written), ID, 0x0102, payload, sizeof(payload));
	CHECK(hex(expected, "0800 e525 1234 0102 666c5031 01010000 0000") == sizeof(expected));
	set_checksum(expected, sizeof(expected));
	CHECK(memcmp(written, expected, sizeof(written)) == 0);
}

static void test_round_trip(struct rng *rng)
{
	for (int i = 0; i < 2000; i++) {
		uint8_t payload[ECHO_PAYLOAD_MAX], icmp[2000], packet[2020];
		size_t payload_length = 4 + rng_below(rng, ECHO_PAYLOAD_MAX - 3);
		size_t length = 8 + payload_length + rng_below(rng, 1500);
		uint16_t identifier = (uint16_t)rng_next(rng), sequence = (uint16_t)rng_next(rng);
		struct echo_packet read;

		rng_fill(rng, payload, payload_length);
		memcpy(payload, ECHO_MAGIC, 4);
		echo_write(icmp, length, identifier, sequence, payload, payload_length);
		CHECK(naive_sum(0, icmp, length) == 0xffff);
		/* As a request it is anybody's; as a reply it has to be ours. */
		CHECK(parse(packet, wrap(packet, icmp, length, 1), (uint16_t)(identifier + 1), &read));
		CHECK(read.kind == ECHO_REQUEST && read.sequence == sequence && read.identifier == identifier);
		icmp[0] = 0;
		set_checksum(icmp, length);
		CHECK(!parse(packet, wrap(packet, icmp, length, 1), (uint16_t)(identifier + 1), &read));
		CHECK(parse(packet, wrap(packet, icmp, length, 1), identifier, &read));
		CHECK(read.kind == ECHO_REPLY && read.length == length + 20 && read.ttl == 64);
		CHECK(memcmp(read.source, packet + 12, 4) == 0 && memcmp(read.destination, packet + 16, 4) == 0);
		CHECK(read.payload_length == (length - 8 < ECHO_PAYLOAD_MAX ? length - 8 : ECHO_PAYLOAD_MAX));
		CHECK(memcmp(read.payload, payload, payload_length) == 0);
		/* A bit that fell over on the way. */
		packet[20 + rng_below(rng, (uint32_t)length)] ^= (uint8_t)(1u << rng_below(rng, 8));
		CHECK(!parse(packet, length + 20, identifier, &read));
	}
}

static void test_errors(void)
{
	uint8_t icmp[128], packet[256], ours[100];
	struct echo_packet read;
	size_t quoted = wrap(ours, (const uint8_t *)"\x08\x00\x00\x00\x12\x34\x00\x07" ECHO_MAGIC, 12, 1);

	for (size_t kept = 20; kept <= quoted; kept++) {
		memset(icmp, 0, sizeof(icmp));
		hex(icmp, "0304 0000 0000 0578");
		memcpy(icmp + 8, ours, kept);
		set_checksum(icmp, 8 + kept);
		/* Eight bytes behind the quoted IP header are needed, and are enough. */
		CHECK(parse(packet, wrap(packet, icmp, 8 + kept, 1), ID, &read) == (kept >= 28));
		if (kept < 28)
			continue;
		CHECK(read.kind == ECHO_TOO_BIG && read.mtu == 1400 && read.sequence == 7 && read.length == quoted);
		CHECK(memcmp(read.destination, ours + 16, 4) == 0 && read.payload_length == kept - 28);
		CHECK(!parse(packet, wrap(packet, icmp, 8 + kept, 1), ID + 1, &read));
		icmp[1] = 1;
		set_checksum(icmp, 8 + kept);
		CHECK(parse(packet, wrap(packet, icmp, 8 + kept, 1), ID, &read));
		CHECK(read.kind == ECHO_UNREACHABLE && read.code == 1 && read.mtu == 0);
	}
}

static void test_others(void)
{
	uint8_t icmp[64], packet[100];
	struct echo_packet read;
	size_t length;

	echo_write(icmp, 20, ID, 1, (const uint8_t *)ECHO_MAGIC, 4);
	length = wrap(packet, icmp, 20, 1);
	CHECK(parse(packet, length, ID, &read));
	for (size_t cut = 0; cut < length; cut++)
		CHECK(!parse(packet, cut, ID, &read));
	/* UDP, a fragment, IPv6, a header longer than the packet, one shorter than any. */
	CHECK(!parse(packet, wrap(packet, icmp, 20, 17), ID, &read));
	length = wrap(packet, icmp, 20, 1);
	packet[6] = 0x20;
	CHECK(!parse(packet, length, ID, &read));
	length = wrap(packet, icmp, 20, 1);
	packet[0] = 0x65;
	CHECK(!parse(packet, length, ID, &read));
	packet[0] = 0x4f;
	CHECK(!parse(packet, length, ID, &read));
	packet[0] = 0x44;
	CHECK(!parse(packet, length, ID, &read));
	/* Without the magic it is somebody's ping. */
	echo_write(icmp, 20, ID, 1, (const uint8_t *)"flP2", 4);
	CHECK(!parse(packet, wrap(packet, icmp, 20, 1), ID, &read));
}

static void test_wild(struct rng *rng)
{
	for (int i = 0; i < 200000; i++) {
		uint8_t packet[160];
		size_t length = rng_below(rng, sizeof(packet) + 1);
		struct echo_packet read;

		rng_fill(rng, packet, length);
		if (length >= 28 && !rng_once_in(rng, 4)) {
			/* As far as the ICMP message: the rest is to be judged by its own. */
			wrap(packet, packet, 0, 1);
			packet[3] = (uint8_t)length;
			packet[20] = (uint8_t)(rng_once_in(rng, 2) ? 3 : 8 * rng_below(rng, 2));
			set_checksum(packet + 20, length - 20);
		}
		if (parse(packet, length, ID, &read))
			CHECK(read.payload_length <= ECHO_PAYLOAD_MAX && read.kind <= ECHO_UNREACHABLE);
	}
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);

	test_golden();
	test_round_trip(&rng);
	test_errors();
	test_others();
	test_wild(&rng);
	return 0;
}
