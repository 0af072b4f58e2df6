/*
 * One packet at a time through the engine, in every configuration: what comes out is what went in but for the hop limit
 * and what the RFCs want changed, errors come back, and the counters say exactly what happened.
 */
#include "engine_rig.h"

static struct rng rng;

static size_t make(uint8_t *packet, int version, uint8_t protocol, uint8_t from, uint8_t to, size_t size, uint8_t ttl)
{
	static uint8_t payload[PACKET_ROOM];
	struct packet_spec spec = packet_random(&rng, version, protocol);

	rig_address(&spec, from, to);
	spec.ttl = ttl;
	rng_fill(&rng, payload, size);
	return packet_build(packet, &spec, payload, size);
}

static uint8_t ttl_of(const uint8_t *packet)
{
	return packet[packet[0] >> 4 == 4 ? 8 : 7];
}

/* To a peer: bit-exact but for one hop and its checksum; the traffic class outside as inside. */
static void test_out(struct rig *rig)
{
	uint64_t before[4], after[4], bytes = 0;
	static uint8_t packet[PACKET_ROOM], got[PACKET_ROOM];

	rig_traffic(rig, 1, before);
	for (int round = 0; round < 60; round++) {
		int version = round % 2 ? 4 : 6;
		size_t size = rng_below(&rng, RIG_MTU - 99);
		size_t length = make(packet, version, (uint8_t[]){ 6, 17, 99 }[round % 3], 0, 2, size, (uint8_t)(2 + rng_below(&rng, 254)));
		uint8_t class = 0;

		/* What follows the packet in the buffer is not part of it. */
		rig_device_send(rig, (unsigned)round % rig->options.queues, NULL, packet, length + (round % 5 == 0 ? 3 : 0));
		CHECK(rig_udp_receive(rig, 1, got, &class, 2000) == (int)length && packet_is_valid(got, length));
		CHECK(ttl_of(got) == ttl_of(packet) - 1 && class == (version == 4 ? packet[1] : (uint8_t)(get16(packet) >> 4)));
		got[version == 4 ? 8 : 7]++;
		if (version == 4)
			memcpy(got + 10, packet + 10, 2);
		CHECK(memcmp(got, packet, length) == 0);
		bytes += length;
	}
	rig_expect(rig, COUNTER_SENT_PACKETS, 60);
	rig_traffic(rig, 1, after);
	CHECK(after[0] == before[0] + 60 && after[1] == before[1] + bytes && after[2] == before[2] && after[3] == before[3]);
	CHECK(rig_counter(rig, COUNTER_SENT_BYTES) == bytes && rig_counter(rig, COUNTER_DEVICE_READS) == 60 && rig_device_drops(rig) == 0);
}

/* From a peer: byte by byte as it came. */
static void test_in(struct rig *rig)
{
	static uint8_t packet[PACKET_ROOM], got[PACKET_ROOM];
	uint64_t before[4], after[4], bytes = 0, dropped;
	struct virtio_net_hdr virtio;

	rig_traffic(rig, 0, before);
	for (int round = 0; round < 60; round++) {
		size_t length = make(packet, round % 2 ? 4 : 6, (uint8_t[]){ 6, 17, 99 }[round % 3], 1, 0, rng_below(&rng, 3000), 1);

		rig_udp_send(rig, 0, 0, 0, packet, length + (round % 5 == 0 ? 2 : 0));
		CHECK(rig_device_receive(rig, &virtio, got, 2000) == (int)length && virtio.gso_type == 0 && virtio.flags == 0);
		CHECK(memcmp(got, packet, length) == 0);
		bytes += length;
	}
	rig_expect(rig, COUNTER_DEVICE_WRITES, 60);
	rig_traffic(rig, 0, after);
	CHECK(after[2] == before[2] + 60 && after[3] == before[3] + bytes && after[0] == before[0] && after[1] == before[1]);
	CHECK(rig_counter(rig, COUNTER_RECEIVED_PACKETS) == 60 && rig_counter(rig, COUNTER_RECEIVED_BYTES) == bytes);
	/* An IP packet that ends before its datagram does is cut; one that would end behind it is none. */
	CHECK(rig_udp_drops(rig) == 0);
	for (int round = 0; round < 4; round++) {
		static const enum counter reasons[] = { COUNTER_DROP_TRUNCATED, COUNTER_DROP_MALFORMED, COUNTER_DROP_CHECKSUM, COUNTER_DROP_TRUNCATED };
		size_t length = make(packet, 4, 17, 1, 0, 100, 9);

		dropped = rig_counter(rig, reasons[round]);
		if (round == 1)
			packet[0] = 0x55;
		if (round == 2)
			packet[12] ^= 1;
		rig_udp_send(rig, 0, 0, 0, packet, round == 0 ? length - 1 : round == 3 ? 0 : length);
		rig_expect(rig, reasons[round], dropped + 1);
	}
	CHECK(rig_udp_drops(rig) == 4 && rig_counter(rig, COUNTER_RECEIVED_PACKETS) == 60 && rig_counter(rig, COUNTER_SENT_PACKETS) == 0);
}

/* The error is a valid packet from us to the sender that quotes what was sent. */
static void expect_icmp(struct rig *rig, const uint8_t *packet, size_t length, uint8_t type, uint8_t code)
{
	static uint8_t got[PACKET_ROOM];
	struct virtio_net_hdr virtio;
	bool v4 = packet[0] >> 4 == 4;
	size_t header = v4 ? 20 : 40, most = (v4 ? 576u : 1280u) - header - 8;
	int answer = rig_device_receive(rig, &virtio, got, 2000);

	CHECK(answer == (int)(header + 8 + (length < most ? length : most)) && virtio.gso_type == 0 && virtio.flags == 0);
	CHECK(packet_is_valid(got, (size_t)answer) && got[header] == type && got[header + 1] == code);
	CHECK(v4 ? get32(got + 12) == 0x0a050100 : get32(got + 8) == 0xfd050001 && got[23] == 0xfe);
	CHECK(memcmp(got + (v4 ? 16 : 24), packet + (v4 ? 12 : 8), v4 ? 4 : 16) == 0);
	CHECK(memcmp(got + header + 8, packet, (size_t)answer - header - 8) == 0);
}

static void test_errors(struct rig *rig)
{
	static uint8_t packet[PACKET_ROOM];
	uint64_t sent = rig_counter(rig, COUNTER_SENT_PACKETS);

	for (int round = 0; round < 8; round++) {
		int version = round % 2 ? 4 : 6;
		bool v4 = version == 4;
		size_t length = make(packet, version, 17, 0, round < 4 ? 1 : 77, 100 + (size_t)round * 200, round < 4 ? (uint8_t)(round / 2) : 64);

		rig_device_send(rig, 0, NULL, packet, length);
		if (round < 4)
			expect_icmp(rig, packet, length, v4 ? 11 : 3, 0);
		else
			expect_icmp(rig, packet, length, v4 ? 3 : 1, 0);
	}
	rig_expect(rig, COUNTER_ICMP_SENT, 8);
	CHECK(rig_counter(rig, COUNTER_DROP_EXPIRED) == 4 && rig_counter(rig, COUNTER_DROP_NO_ROUTE) == 4);
	/* Nothing to the wire, and no answer to what is no packet or an error itself. */
	rig_device_send(rig, 0, NULL, (const uint8_t *)"\x45", 1);
	rig_device_send(rig, 0, NULL, (const uint8_t *)"no packet at all, but long enough for one", 41);
	rig_expect(rig, COUNTER_DROP_DEVICE_MALFORMED, 2);
	CHECK(rig_counter(rig, COUNTER_ICMP_SENT) == 8 && rig_counter(rig, COUNTER_SENT_PACKETS) == sent);
}

/* Longer than the device's MTU, as a second queue's kernel might still hand over after a change: by DF. */
static void test_too_big(struct rig *rig)
{
	static uint8_t packet[PACKET_ROOM], got[PACKET_ROOM], whole[PACKET_ROOM];
	struct packet_spec spec = packet_random(&rng, 4, 17);
	uint8_t payload[3000];
	struct virtio_net_hdr virtio;
	size_t length, end = 0;
	int piece, answer;

	rig_address(&spec, 0, 1);
	rng_fill(&rng, payload, sizeof(payload));
	spec.fragment = 0x4000;
	rig_device_send(rig, 0, NULL, packet, packet_build(packet, &spec, payload, sizeof(payload)));
	answer = rig_device_receive(rig, &virtio, got, 2000);
	CHECK(answer == 576 && got[20] == 3 && got[21] == 4 && get16(got + 26) == RIG_MTU && packet_is_valid(got, 576));
	rig_expect(rig, COUNTER_DROP_TOO_BIG, 1);
	/* Once a flow and second. */
	rig_device_send(rig, 0, NULL, packet, packet_build(packet, &spec, payload, sizeof(payload)));
	rig_expect(rig, COUNTER_DROP_TOO_BIG, 2);
	CHECK(rig_device_receive(rig, &virtio, got, 20) == -1);
	spec.fragment = 0;
	length = packet_build(packet, &spec, payload, sizeof(payload));
	rig_device_send(rig, 0, NULL, packet, length);
	while (end < length - 20) {
		piece = rig_udp_receive(rig, 0, got, NULL, 2000);
		CHECK(piece > 20 && piece <= RIG_MTU && packet_is_valid(got, (size_t)piece) && got[8] == spec.ttl - 1);
		CHECK((get16(got + 6) & 0x1fffu) * 8 == end && get16(got + 4) == spec.id);
		memcpy(whole + end, got + 20, (size_t)piece - 20);
		end += (size_t)piece - 20;
		CHECK(((get16(got + 6) & 0x2000) != 0) == (end < length - 20));
	}
	CHECK(memcmp(whole, packet + 20, length - 20) == 0);
}

static void test_configuration(const struct engine_options *options)
{
	void (*const tests[])(struct rig *) = { test_out, test_in, test_errors, test_too_big };
	struct rig rig;

	rig_init(&rig);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		rig.options.features = options->features;
		rig.options.queues = options->queues;
		rig.options.split = options->split;
		rig.options.spin_ns = options->spin_ns;
		rig_open(&rig);
		tests[i](&rig);
		rig_close(&rig);
	}
	CHECK(rig.failures == 0);
	rig_destroy(&rig);
}

int main(int argc, char **argv)
{
	struct engine_options options = { 0 };

	rng = rng_of_arguments(argc, argv);
	/* All features, each off in turn, none; then the shapes. */
	for (int off = 0; off <= FEATURE_COUNT + 1; off++) {
		options.features = off > FEATURE_COUNT ? 0 : RIG_ALL_FEATURES & ~(off == 0 ? 0 : 1u << (off - 1));
		options.queues = 1 + (uint32_t)off % 2;
		options.split = off / 2 % 2 == 1;
		options.spin_ns = off % 3 == 0 ? 20000 : 0;
		test_configuration(&options);
	}
	return 0;
}
