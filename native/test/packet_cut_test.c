/*
 * cut.c: every piece of a super-packet is a valid packet, carries what is its own and nothing else, and all payloads
 * together are the payload that came; headers that do not fit the packet are refused.
 */
#include "../src/packet/cut.h"

#include "packets.h"

static const struct checksum *checksum;

struct super {
	struct packet_spec spec;
	struct virtio_net_hdr virtio;
	uint8_t packet[PACKET_ROOM];
	size_t length, headers, start;
};

/* As a TUN device with TSO and USO hands it over: the checksum is the pseudo-header's sum. */
static void make_super(struct rng *rng, struct super *s, int version, uint8_t protocol)
{
	static uint8_t payload[PACKET_ROOM];
	size_t most, size;
	uint8_t rest[8] = { 0 };
	uint32_t sum;

	s->spec = packet_random(rng, version, protocol);
	s->spec.extension = version == 6 && rng_once_in(rng, 4);
	s->spec.flags = (uint8_t)(0x10 | (rng_next(rng) & 0xc9));
	if (version == 4 && rng_once_in(rng, 4)) {
		s->spec.ip_options_length = (uint8_t)(4 * rng_below(rng, 11));
		memset(s->spec.ip_options, 1, 40);
	}
	s->headers = packet_headers(&s->spec);
	most = 65535 - s->headers;
	size = 1 + rng_below(rng, rng_once_in(rng, 3) ? (uint32_t)most : 5000);
	rng_fill(rng, payload, size);
	s->length = packet_build(s->packet, &s->spec, payload, size);
	s->start = (size_t)(version == 4 ? 20 + s->spec.ip_options_length : 40 + 8 * s->spec.extension);
	s->virtio = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = protocol == 17 ? VIRTIO_NET_HDR_GSO_UDP_L4
			  : version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = (uint16_t)s->headers,
		.gso_size = (uint16_t)(1 + rng_below(rng, rng_once_in(rng, 6) ? 60000 : size > 20000 ? 9000 : 1500)),
		.csum_start = (uint16_t)s->start,
		.csum_offset = protocol == 6 ? 16 : 6,
	};
	if (size / s->virtio.gso_size > 3000)
		s->virtio.gso_size = 1448;
	if (protocol == 6 && (s->spec.flags & 0x80) && rng_once_in(rng, 2))
		s->virtio.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	sum = version == 4 ? naive_sum(0, s->packet + 12, 8) : naive_sum(0, s->packet + 8, 32);
	put32(rest, (uint32_t)(s->length - s->start));
	rest[7] = protocol;
	put16(s->packet + s->start + s->virtio.csum_offset, naive_sum(sum, rest, 8));
}

static void check_tcp(const struct super *s, const uint8_t *piece, size_t done, bool first, bool last)
{
	const uint8_t *tcp = piece + s->start, *was = s->packet + s->start;
	uint8_t flags = was[13];

	CHECK(get32(tcp + 4) == (uint32_t)(s->spec.sequence + done));
	CHECK(memcmp(tcp, was, 4) == 0 && memcmp(tcp + 8, was + 8, 5) == 0 && get16(tcp + 14) == s->spec.window);
	CHECK(memcmp(tcp + 18, was + 18, s->headers - s->start - 18) == 0);
	if (!first)
		flags &= 0x7f;
	if (!last)
		flags &= (uint8_t)~0x09;
	CHECK(tcp[13] == flags);
}

static void check_piece(const struct super *s, const uint8_t *piece, size_t length, size_t done, unsigned index)
{
	size_t payload = length - s->headers, all = s->length - s->headers;
	bool last = done + payload == all;

	CHECK(packet_is_valid(piece, length) && length > s->headers);
	CHECK(last ? payload <= s->virtio.gso_size : payload == s->virtio.gso_size);
	CHECK(memcmp(piece + s->headers, s->packet + s->headers + done, payload) == 0);
	if (s->spec.version == 4) {
		CHECK(get16(piece + 4) == (uint16_t)(s->spec.id + index) && get16(piece + 6) == s->spec.fragment);
		CHECK(memcmp(piece + 12, s->packet + 12, s->start - 12) == 0 && get16(piece + 8) == get16(s->packet + 8));
		CHECK(piece[0] == s->packet[0] && piece[1] == s->packet[1]);
	} else {
		CHECK(get32(piece) == get32(s->packet) && memcmp(piece + 6, s->packet + 6, s->start - 6) == 0);
	}
	if (s->spec.protocol == 6)
		check_tcp(s, piece, done, index == 0, last);
	else
		CHECK(memcmp(piece + s->start, s->packet + s->start, 4) == 0 && get16(piece + s->start + 6) != 0);
}

static void test_super(struct rng *rng, int version, uint8_t protocol)
{
	static struct super s;
	size_t done = 0, length;
	struct ip_packet ip;
	struct cutter cutter;
	unsigned index = 0;
	uint8_t *copy, *out;

	make_super(rng, &s, version, protocol);
	CHECK(ip_parse(&ip, s.packet, s.length, true) == IP_FINE);
	copy = exact_copy(s.packet, s.length);
	CHECK(cut_begin(&cutter, checksum, &s.virtio, copy, &ip));
	out = malloc(cut_longest(&cutter));
	CHECK(out != NULL);
	while ((length = cut_next(&cutter, out)) > 0) {
		CHECK(length <= cut_longest(&cutter));
		CHECK(index > 0 || length == cut_longest(&cutter));
		check_piece(&s, out, length, done, index++);
		done += length - s.headers;
	}
	CHECK(done == s.length - s.headers && cut_next(&cutter, out) == 0);
	free(copy);
	free(out);
}

/* A packet that is no super-packet: as it is, or with the checksum that was left to make. */
static void test_single(struct rng *rng)
{
	static uint8_t packet[PACKET_ROOM], payload[PACKET_ROOM];
	uint8_t protocol = (uint8_t[]){ 6, 17, 99 }[rng_below(rng, 3)];
	struct packet_spec spec = packet_random(rng, rng_once_in(rng, 2) ? 4 : 6, protocol);
	size_t size = rng_below(rng, 1500), length, start;
	struct virtio_net_hdr virtio = { 0 };
	struct ip_packet ip;
	struct cutter cutter;
	uint8_t *copy, *out;

	rng_fill(rng, payload, size);
	length = packet_build(packet, &spec, payload, size);
	start = spec.version == 4 ? 20 : 40;
	copy = exact_copy(packet, length);
	if (protocol != 99 && rng_once_in(rng, 2)) {
		uint32_t sum = spec.version == 4 ? naive_sum(0, packet + 12, 8) : naive_sum(0, packet + 8, 32);
		uint8_t rest[8] = { 0 };

		virtio = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)start,
						  .csum_offset = protocol == 6 ? 16 : 6 };
		put32(rest, (uint32_t)(length - start));
		rest[7] = protocol;
		put16(copy + start + virtio.csum_offset, naive_sum(sum, rest, 8));
	}
	CHECK(ip_parse(&ip, copy, length, true) == IP_FINE && cut_begin(&cutter, checksum, &virtio, copy, &ip));
	CHECK(cut_longest(&cutter) == length);
	out = malloc(length);
	CHECK(out != NULL && cut_next(&cutter, out) == length && memcmp(out, packet, length) == 0);
	CHECK(cut_next(&cutter, out) == 0);
	free(copy);
	free(out);
}

/* The checksum of UDP that comes out as 0 is sent as 0xffff; that of TCP stays 0. */
static void test_zero_sum(void)
{
	for (int tcp = 0; tcp < 2; tcp++) {
		struct rng rng = rng_from(9);
		struct packet_spec spec = packet_random(&rng, 4, tcp ? 6 : 17);
		struct virtio_net_hdr virtio = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 20, .csum_offset = tcp ? 16 : 6 };
		uint8_t packet[128], out[128], payload[2] = { 0 };
		size_t at, length, field = 20u + virtio.csum_offset;
		struct ip_packet ip;
		struct cutter cutter;
		uint16_t sum;

		length = packet_build(packet, &spec, payload, 2);
		at = length - 2;
		/* What is missing to a sum of all ones goes into the payload. */
		sum = get16(packet + field);
		put16(packet + at, sum);
		put16(packet + field, 0);
		{
			uint8_t rest[8] = { 0 };

			put32(rest, (uint32_t)length - 20);
			rest[7] = spec.protocol;
			put16(packet + field, naive_sum(naive_sum(0, packet + 12, 8), rest, 8));
		}
		CHECK(ip_parse(&ip, packet, length, true) == IP_FINE && cut_begin(&cutter, checksum, &virtio, packet, &ip));
		CHECK(cut_next(&cutter, out) == length && packet_is_valid(out, length));
		CHECK(get16(out + field) == (tcp ? 0 : 0xffff));
	}
}

/* What no kernel produces is refused, not cut somehow. */
static void test_refusals(void)
{
	static struct super s;
	struct rng rng = rng_from(4);
	struct virtio_net_hdr good, bad;
	struct ip_packet ip;
	struct cutter cutter;

	do
		make_super(&rng, &s, 4, 6);
	while (s.spec.ip_options_length != 0 || s.length < 3000 || s.virtio.gso_size > 1500);
	good = s.virtio;
	CHECK(ip_parse(&ip, s.packet, s.length, true) == IP_FINE && cut_begin(&cutter, checksum, &good, s.packet, &ip));
#define REFUSED(change) do { bad = good; change; CHECK(!cut_begin(&cutter, checksum, &bad, s.packet, &ip)); } while (0)
	REFUSED(bad.gso_size = 0);
	REFUSED(bad.flags = 0);
	REFUSED(bad.gso_type = VIRTIO_NET_HDR_GSO_TCPV6);
	REFUSED(bad.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4);
	REFUSED(bad.gso_type = VIRTIO_NET_HDR_GSO_UDP);
	REFUSED(bad.gso_type = 0x7f);
	REFUSED(bad.gso_type = VIRTIO_NET_HDR_GSO_ECN);
	REFUSED(bad.csum_start = 19);
	REFUSED(bad.csum_start = (uint16_t)(s.length - 19));
	REFUSED(bad.csum_start = 65535; bad.csum_offset = 65535);
	REFUSED(bad.csum_offset = (uint16_t)(s.length - 20 - 1));
	s.packet[20 + 12] = 0x40;
	REFUSED((void)0);
	s.packet[20 + 12] = 0x50;
	put16(s.packet + 6, 0x2000);
	CHECK(ip_parse(&ip, s.packet, s.length, true) == IP_FINE);
	REFUSED((void)0);
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);

	for (int plain = 0; plain < 2; plain++) {
		checksum = checksum_choose(plain == 1);
		for (int round = 0; round < 200; round++)
			for (int kind = 0; kind < 4; kind++)
				test_super(&rng, kind % 2 ? 4 : 6, kind < 2 ? 6 : 17);
		for (int round = 0; round < 500; round++)
			test_single(&rng);
		test_zero_sum();
		test_refusals();
	}
	return 0;
}
