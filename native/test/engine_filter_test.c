/*
 * Who may send what: strangers, our own sources, foreign ones, by filter; and the congestion marks of the way, all
 * sixteen cases. Each refusal has its counter.
 */
#include "engine_rig.h"

static struct rng rng;

static size_t make(uint8_t *packet, int version, uint8_t from, uint8_t to, uint8_t class)
{
	struct packet_spec spec = packet_random(&rng, version, 17);
	uint8_t payload[64] = { 0 };

	rig_address(&spec, from, to);
	spec.class = class;
	return packet_build(packet, &spec, payload, sizeof(payload));
}

/* Whether a packet from this socket, with a source of this node, arrives; if not, this counter has one more. */
static void expect(struct rig *rig, unsigned socket, uint8_t source, enum counter reason)
{
	uint8_t packet[256], got[PACKET_ROOM];
	struct virtio_net_hdr virtio;

	for (int version = 4; version <= 6; version += 2) {
		uint64_t dropped = rig_udp_drops(rig), before = reason == COUNTER_NONE ? 0 : rig_counter(rig, reason);
		size_t length = make(packet, version, source, 0, 0);

		rig_udp_send(rig, socket, 0, 0, packet, length);
		if (reason == COUNTER_NONE) {
			CHECK(rig_device_receive(rig, &virtio, got, 2000) == (int)length && memcmp(got, packet, length) == 0);
			CHECK(rig_udp_drops(rig) == dropped);
		} else {
			rig_expect(rig, reason, before + 1);
			CHECK(rig_udp_drops(rig) == dropped + 1);
		}
	}
}

static void test_sources(enum engine_filter filter)
{
	bool on = filter != FILTER_OFF, strict = filter == FILTER_STRICT;
	struct virtio_net_hdr virtio;
	uint8_t got[PACKET_ROOM];
	uint64_t sums[4];
	struct rig rig;

	rig_init(&rig);
	rig.options.filter = filter;
	rig_open(&rig);
	expect(&rig, 0, 1, COUNTER_NONE);
	expect(&rig, 0, 2, strict ? COUNTER_DROP_FOREIGN_SOURCE : COUNTER_NONE);
	expect(&rig, 0, 99, strict ? COUNTER_DROP_FOREIGN_SOURCE : COUNTER_NONE);
	expect(&rig, 0, 0, on ? COUNTER_DROP_OWN_SOURCE : COUNTER_NONE);
	expect(&rig, RIG_STRANGER, 1, on ? COUNTER_DROP_STRANGER : COUNTER_NONE);
	expect(&rig, RIG_STRANGER, 0, on ? COUNTER_DROP_STRANGER : COUNTER_NONE);
	rig_traffic(&rig, 1, sums);
	CHECK(sums[2] == 0);
	/* Without routes everybody is a stranger; back again, the peer is none. */
	rig_set_routes(&rig, 0);
	expect(&rig, 0, 1, on ? COUNTER_DROP_STRANGER : COUNTER_NONE);
	rig_set_routes(&rig, 1);
	expect(&rig, 0, 1, COUNTER_NONE);
	expect(&rig, 1, 2, on ? COUNTER_DROP_STRANGER : COUNTER_NONE);
	CHECK(rig_device_receive(&rig, &virtio, got, 0) == -1);
	rig_close(&rig);
	CHECK(rig.failures == 0);
	rig_destroy(&rig);
}

/* Datagrams of a stranger that arrive as one message count one by one. */
static void test_strangers_of_many(void)
{
	uint8_t packets[10 * 100] = { 0 };
	struct rig rig;

	rig_init(&rig);
	rig_open(&rig);
	rig_udp_send(&rig, RIG_STRANGER, 0, 100, packets, sizeof(packets));
	rig_expect(&rig, COUNTER_DROP_STRANGER, 10);
	rig_udp_send(&rig, RIG_STRANGER, 0, 100, packets, 901);
	rig_expect(&rig, COUNTER_DROP_STRANGER, 20);
	rig_close(&rig);
	rig_destroy(&rig);
}

/* RFC 6040, figure 4, by [inner][outer]; -1 is dropped. The DSCP inside stays whatever it is outside. */
static void test_marks(void)
{
	static const int table[4][4] = { { 0, 0, 0, -1 }, { 1, 1, 1, 3 }, { 2, 1, 2, 3 }, { 3, 3, 3, 3 } };
	uint8_t packet[256], got[PACKET_ROOM];
	struct virtio_net_hdr virtio;
	struct rig rig;
	uint64_t dropped = 0;

	rig_init(&rig);
	rig_open(&rig);
	for (int i = 0; i < 64; i++) {
		uint8_t inner = i & 3, outer = i >> 2 & 3, dscp = (uint8_t)(rng_below(&rng, 64) << 2);
		int version = i < 32 ? 4 : 6, expected = table[inner][outer];
		size_t length = make(packet, version, 1, 0, dscp | inner);

		rig_udp_send(&rig, 0, (uint8_t)(rng_below(&rng, 64) << 2 | outer), 0, packet, length);
		if (expected < 0) {
			rig_expect(&rig, COUNTER_DROP_CONGESTED, ++dropped);
			continue;
		}
		CHECK(rig_device_receive(&rig, &virtio, got, 2000) == (int)length && packet_is_valid(got, length));
		CHECK((version == 4 ? got[1] : (uint8_t)(get16(got) >> 4)) == (dscp | expected));
		CHECK(memcmp(got + 12, packet + 12, length - 12) == 0 && get16(got + 2) == get16(packet + 2));
	}
	CHECK(dropped == 4 && rig_udp_drops(&rig) == 4);
	rig_close(&rig);
	rig_destroy(&rig);
}

int main(int argc, char **argv)
{
	rng = rng_of_arguments(argc, argv);
	test_sources(FILTER_OFF);
	test_sources(FILTER_ON);
	test_sources(FILTER_STRICT);
	test_strangers_of_many();
	test_marks();
	return 0;
}
