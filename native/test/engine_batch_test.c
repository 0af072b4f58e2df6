/*
 * Many packets in one batch: sizes, peers and traffic classes in any mix, some of them too long for the device. While
 * a super-packet of thousands of pieces keeps the engine busy they queue up; then each peer gets its own, each as it was
 * sent, in order, and the kernel has not refused a message.
 */
#include "engine_rig.h"

#define PACKETS 120

struct sent { uint8_t data[2400]; size_t length; uint8_t class; };

static struct rng rng;
static struct sent sent[2][PACKETS];
static int counts[2];

/* 6,000 pieces for the peer whose socket nobody reads here. */
static void keep_busy(struct rig *rig)
{
	static uint8_t packet[PACKET_ROOM], payload[PACKET_ROOM];
	const struct virtio_net_hdr virtio = { .flags = 1, .gso_type = 1, .gso_size = 10, .csum_start = 20, .csum_offset = 16 };
	struct packet_spec spec = packet_random(&rng, 4, 6);

	rig_address(&spec, 0, 3);
	rig_device_send(rig, 0, &virtio, packet, packet_build(packet, &spec, payload, 60000));
}

/* Mixed, or all alike: more of those than one message may have bytes. */
static void queue_packets(struct rig *rig, bool too_long, bool alike)
{
	static uint8_t payload[2400];

	counts[0] = counts[1] = 0;
	for (int i = 0; i < PACKETS; i++) {
		/* Runs to one peer, often of one size, so that there is something to join. */
		static uint32_t peer, size = 1000, class;
		struct packet_spec spec = packet_random(&rng, 4, 17);
		struct sent *s;

		peer = rng_once_in(&rng, 10) ? rng_below(&rng, 2) : peer;
		size = rng_once_in(&rng, 4) ? rng_below(&rng, 1440) : rng_once_in(&rng, 4) ? 1440 : size;
		class = rng_once_in(&rng, 10) ? rng_below(&rng, 3) << 3 : class;
		if (alike)
			size = 1440, peer = class = 0;
		s = &sent[peer][counts[peer]++];
		rig_address(&spec, 0, (uint8_t)(1 + peer));
		spec.fragment = 0;
		spec.class = s->class = (uint8_t)class;
		s->length = packet_build(s->data, &spec, payload, too_long && rng_once_in(&rng, 10) ? 2300 : size);
		rig_device_send(rig, 0, NULL, s->data, s->length);
	}
}

/* One packet, or both fragments of one: the original, but for one hop. */
static void expect(struct rig *rig, unsigned peer, const struct sent *s)
{
	static uint8_t got[PACKET_ROOM], piece[PACKET_ROOM];
	uint8_t class = 0;
	int length = rig_udp_receive(rig, peer, got, &class, 3000);

	CHECK(length >= 28 && packet_is_valid(got, (size_t)length) && class == s->class);
	if (s->length > RIG_MTU) {
		int more = rig_udp_receive(rig, peer, piece, NULL, 3000);

		CHECK(more > 20 && get16(got + 6) == 0x2000 && (get16(piece + 6) & 0x1fff) * 8 == length - 20 && get16(piece + 4) == get16(got + 4));
		memcpy(got + length, piece + 20, (size_t)more - 20);
		length += more - 20;
		put16(got + 2, (uint32_t)length);
		put16(got + 6, 0);
	}
	got[8]++;
	packet_mend(got, false);
	CHECK((size_t)length == s->length && memcmp(got, s->data, s->length) == 0);
}

int main(int argc, char **argv)
{
	uint64_t messages = 0;

	rng = rng_of_arguments(argc, argv);
	for (int round = 0; round < 40; round++) {
		static const uint32_t without[] = { 0, FEATURE_UDP_GSO, FEATURE_MMSG, 0 };
		struct rig rig;

		rig_init(&rig);
		rig.options.features &= ~without[round % 4];
		rig_open(&rig);
		keep_busy(&rig);
		queue_packets(&rig, round % 2 == 0, round % 8 == 7);
		for (unsigned peer = 0; peer < 2; peer++)
			for (int i = 0; i < counts[peer]; i++)
				expect(&rig, peer, &sent[peer][i]);
		rig_expect(&rig, COUNTER_DEVICE_READS, PACKETS + 1);
		CHECK(rig_counter(&rig, COUNTER_GSO_REFUSED) == 0 && rig_device_drops(&rig) == 0);
		if (round % 4 == 3)
			messages += rig_counter(&rig, COUNTER_SENT_CALLS);
		rig_close(&rig);
		CHECK(rig.failures == 0);
		rig_destroy(&rig);
	}
	/* They did come in batches. */
	printf("%llu calls for 10 times 6,120 packets\n", (unsigned long long)messages);
	CHECK(messages < 10 * PACKETS);
	return 0;
}
