/*
 * Super-packets: one out of the device becomes datagrams, datagrams of one flow become one for the device, flows of
 * packets keep their order, and nothing of that depends on which features are in use, but for its cost.
 */
#include "engine_rig.h"

static struct rng rng;

struct collected { uint8_t data[400][1600]; size_t length[400]; int count; };

static void collect(void *context, const uint8_t *packet, size_t length)
{
	struct collected *all = context;

	CHECK(all->count < 400 && length <= 1600);
	memcpy(all->data[all->count], packet, length);
	all->length[all->count++] = length;
}

/* A super-packet as the kernel hands it over, and what it stands for. */
static size_t make_super(uint8_t *packet, struct virtio_net_hdr *virtio, int version, uint8_t protocol, uint8_t to,
			 size_t size, uint16_t piece, struct collected *pieces)
{
	static uint8_t payload[PACKET_ROOM];
	struct packet_spec spec = packet_random(&rng, version, protocol);
	size_t start = version == 4 ? 20 : 40, length;
	uint8_t rest[8] = { 0 };

	spec.options_length = 12;
	spec.flags = 0x18;
	rig_address(&spec, 0, to);
	rng_fill(&rng, payload, size);
	length = packet_build(packet, &spec, payload, size);
	*virtio = (struct virtio_net_hdr){
		.flags = 1, .gso_type = protocol == 17 ? 5 : version == 4 ? 1 : 4, .hdr_len = (uint16_t)(length - size), .gso_size = piece,
		.csum_start = (uint16_t)start, .csum_offset = protocol == 17 ? 6 : 16,
	};
	put32(rest, (uint32_t)(length - start));
	rest[7] = protocol;
	put16(packet + start + virtio->csum_offset,
	      naive_sum(naive_sum(0, packet + (version == 4 ? 12 : 8), version == 4 ? 8 : 32), rest, 8));
	pieces->count = 0;
	if (size > piece)
		CHECK(kernel_takes(virtio, packet, length, collect, pieces) == 0);
	return length;
}

static void expect_pieces(struct rig *rig, unsigned peer, const struct collected *pieces)
{
	static uint8_t got[PACKET_ROOM];

	for (int i = 0; i < pieces->count; i++) {
		int length = rig_udp_receive(rig, peer, got, NULL, 2000);

		CHECK(length == (int)pieces->length[i] && packet_is_valid(got, (size_t)length));
		got[got[0] >> 4 == 4 ? 8 : 7]++;
		packet_mend(got, false);
		CHECK(memcmp(got, pieces->data[i], (size_t)length) == 0);
	}
}

static void test_out(struct rig *rig)
{
	static uint8_t packet[PACKET_ROOM];
	static struct collected pieces;
	struct virtio_net_hdr virtio;
	uint64_t sent = 0, calls = rig_counter(rig, COUNTER_SENT_CALLS);

	for (int round = 0; round < 40; round++) {
		uint8_t protocol = round % 2 ? 6 : 17;
		uint16_t piece = (uint16_t)(round % 3 ? 1300 : 100 + rng_below(&rng, 1200));
		size_t most = protocol == 17 || piece < 600 ? 60u * piece : 62000;
		size_t size = piece + 1 + rng_below(&rng, (uint32_t)(most > 62000 ? 62000 : most) - piece);
		size_t length = make_super(packet, &virtio, round % 4 < 2 ? 4 : 6, protocol, (uint8_t)(1 + round % 2), size, piece, &pieces);

		rig_device_send(rig, (unsigned)round % rig->options.queues, &virtio, packet, length);
		expect_pieces(rig, (unsigned)round % 2, &pieces);
		sent += (uint64_t)pieces.count;
	}
	rig_expect(rig, COUNTER_SENT_PACKETS, sent);
	CHECK(rig_device_drops(rig) == 0 && rig_counter(rig, COUNTER_DEVICE_READS) == 40);
	if ((engine_features(rig->engine) & FEATURE_UDP_GSO) != 0 && (engine_features(rig->engine) & FEATURE_MMSG) != 0)
		CHECK(rig_counter(rig, COUNTER_SENT_CALLS) - calls <= 80);
	else if ((engine_features(rig->engine) & FEATURE_UDP_GSO) == 0 && (engine_features(rig->engine) & FEATURE_MMSG) == 0)
		CHECK(rig_counter(rig, COUNTER_SENT_CALLS) - calls == sent);
}

/* One message of many datagrams in: packets of one flow, the last one shorter and pushed. */
static void test_in(struct rig *rig)
{
	static uint8_t packets[PACKET_ROOM], got[PACKET_ROOM], payload[1400];
	static struct collected came, left;
	uint32_t features = engine_features(rig->engine);

	for (int round = 0; round < 40; round++) {
		struct packet_spec spec = packet_random(&rng, round % 2 ? 4 : 6, round % 4 < 2 ? 6 : 17);
		uint32_t size = 500 + rng_below(&rng, 700), count = 2 + rng_below(&rng, 40);
		bool merges = (features & FEATURE_MERGE) != 0 && (features & FEATURE_UDP_GRO) != 0 && (spec.protocol == 6 || (features & FEATURE_USO) != 0);
		struct virtio_net_hdr virtio;
		size_t all = 0, each = 0;

		spec.options_length = 12;
		rig_address(&spec, 1, 0);
		came.count = left.count = 0;
		for (uint32_t i = 0; i < count; i++) {
			uint32_t now = i + 1 < count ? size : 1 + rng_below(&rng, size);
			size_t length;

			spec.flags = i + 1 < count ? 0x10 : 0x18;
			rng_fill(&rng, payload, now);
			length = packet_build(packets + all, &spec, payload, now);
			collect(&came, packets + all, length);
			each = i == 0 ? length : each;
			all += length;
			spec.sequence += now;
			spec.id++;
		}
		rig_udp_send(rig, 0, 0, (uint16_t)each, packets, all);
		for (int writes = 0; left.count < came.count; writes++) {
			int length = rig_device_receive(rig, &virtio, got, 2000);

			CHECK(length > 0 && (!merges || writes == 0));
			CHECK(merges == (virtio.gso_type != 0) || (features & FEATURE_MERGE) != 0);
			CHECK(kernel_takes(&virtio, got, (size_t)length, collect, &left) == 0);
		}
		for (int i = 0; i < came.count; i++)
			CHECK(came.length[i] == left.length[i] && memcmp(came.data[i], left.data[i], came.length[i]) == 0);
	}
	CHECK(rig_udp_drops(rig) == 0 && rig_counter(rig, COUNTER_MERGE_REFUSED) == 0);
}

/* Small and large ones of several flows as fast as they go: each flow arrives in order, none is lost. */
static void test_order(struct rig *rig)
{
	enum { FLOWS = 5, PACKETS = 400 };
	static uint8_t packet[PACKET_ROOM], got[PACKET_ROOM], payload[1400];
	uint32_t next[FLOWS] = { 0 }, expected[FLOWS] = { 0 };
	int received = 0;

	for (int i = 0; i < PACKETS; i++) {
		uint32_t flow = rng_below(&rng, FLOWS), size = rng_once_in(&rng, 2) ? 1300 : 4 + rng_below(&rng, 1300);
		struct packet_spec spec = packet_random(&rng, 4, 17);

		rig_address(&spec, 0, 1);
		spec.source_port = (uint16_t)(1000 + flow);
		put32(payload, next[flow]++);
		rig_device_send(rig, 0, NULL, packet, packet_build(packet, &spec, payload, size));
	}
	for (; received < PACKETS; received++) {
		int length = rig_udp_receive(rig, 0, got, NULL, 2000);
		uint32_t flow;

		CHECK(length >= 32 && packet_is_valid(got, (size_t)length));
		flow = get16(got + 20) - 1000u;
		CHECK(flow < FLOWS && get32(got + 28) == expected[flow]++);
	}
	CHECK(rig_device_drops(rig) == 0);
}

int main(int argc, char **argv)
{
	void (*const tests[])(struct rig *) = { test_out, test_in, test_order };

	rng = rng_of_arguments(argc, argv);
	for (int off = 0; off <= FEATURE_COUNT + 1; off++) {
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
			struct rig rig;

			rig_init(&rig);
			rig.options.features = off > FEATURE_COUNT ? FEATURE_VNET_HDR : RIG_ALL_FEATURES & ~(off == 0 ? 0 : 1u << (off - 1));
			/* Without its header a device hands over no super-packets. */
			if ((rig.options.features & FEATURE_VNET_HDR) == 0 && i == 0)
				rig.options.features = RIG_ALL_FEATURES;
			rig.options.queues = 1 + (uint32_t)off % 2;
			rig.options.split = off / 2 % 2 == 1;
			rig_open(&rig);
			tests[i](&rig);
			rig_close(&rig);
			CHECK(rig.failures == 0);
			rig_destroy(&rig);
		}
	}
	return 0;
}
