/*
 * A path that is narrower than the device, found out while packets flow: the loopback device of a network namespace of
 * our own gets a smaller MTU. What may not be fragmented is answered with the right MTU, the rest arrives in inner
 * fragments that are put together again to the bit. Needs root; without it, it says so and passes.
 */
#define _GNU_SOURCE
#include "engine_rig.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATH 1400
#define INNER (PATH - 28)

static struct rng rng;

static void set_loopback(int mtu)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	request.ifr_mtu = mtu;
	CHECK(ioctl(fd, SIOCSIFMTU, &request) == 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	CHECK(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
	close(fd);
}

struct whole { uint8_t data[2000]; size_t end, have; };

static struct whole expected[200], got[200];
static int expected_count, got_count;

static void expect(void *context, const uint8_t *packet, size_t length)
{
	struct whole *whole = &expected[expected_count++];

	(void)context;
	CHECK(expected_count <= 200 && length <= sizeof(whole->data));
	memcpy(whole->data, packet, length);
	whole->end = length;
	/* One hop. */
	whole->data[8]--;
	packet_mend(whole->data, false);
}

/* A naive receiver: fragments of one packet come one after the other, in order. */
static void receive(const uint8_t *p, size_t length)
{
	size_t offset = (get16(p + 6) & 0x1fffu) * 8;
	struct whole *whole;

	CHECK(length <= INNER && packet_is_valid(p, length));
	if (offset == 0) {
		whole = &got[got_count++];
		CHECK(got_count <= 200);
		memcpy(whole->data, p, length);
		whole->end = length;
	} else {
		whole = &got[got_count - 1];
		CHECK(got_count > 0 && whole->end - 20 == offset && get16(whole->data + 4) == get16(p + 4));
		memcpy(whole->data + whole->end, p + 20, length - 20);
		whole->end += length - 20;
	}
	whole->have = (get16(p + 6) & 0x2000) == 0;
	put16(whole->data + 2, (uint32_t)whole->end);
	put16(whole->data + 6, get16(whole->data + 6) & 0xc000);
	packet_mend(whole->data, false);
}

static void receive_all(struct rig *rig)
{
	static uint8_t packet[PACKET_ROOM];

	got_count = 0;
	while (got_count < expected_count || !got[got_count - 1].have) {
		int length = rig_udp_receive(rig, 0, packet, NULL, 3000);

		CHECK(length >= 20);
		receive(packet, (size_t)length);
	}
	CHECK(rig_udp_receive(rig, 0, packet, NULL, 20) == -1);
	for (int i = 0; i < expected_count; i++) {
		CHECK(got[i].end == expected[i].end && got[i].have);
		CHECK(packet_is_valid(got[i].data, got[i].end));
		CHECK(memcmp(got[i].data, expected[i].data, got[i].end) == 0);
	}
}

static void expect_too_big(struct rig *rig, int version)
{
	static uint8_t packet[PACKET_ROOM];
	struct virtio_net_hdr virtio;
	size_t header = version == 4 ? 20 : 40;
	int length = rig_device_receive(rig, &virtio, packet, 3000);

	CHECK(length > 0 && packet_is_valid(packet, (size_t)length) && packet[0] >> 4 == version);
	CHECK(packet[header] == (version == 4 ? 3 : 2) && packet[header + 1] == (version == 4 ? 4 : 0));
	CHECK(get32(packet + header + 4) == INNER);
}

/* `pieces` 0: one packet that is no super-packet. */
static size_t make(uint8_t *packet, struct virtio_net_hdr *virtio, int version, uint8_t protocol, bool df, unsigned pieces)
{
	static uint8_t payload[PACKET_ROOM];
	struct packet_spec spec = packet_random(&rng, version, protocol);
	size_t start = version == 4 ? 20 : 40, length, size, piece;
	uint8_t rest[8] = { 0 };

	rig_address(&spec, 0, 1);
	spec.fragment = df ? 0x4000 : 0;
	spec.options_length = 12;
	piece = RIG_MTU - packet_headers(&spec);
	size = pieces == 0 ? piece : piece * (pieces - 1) + 1 + rng_below(&rng, (uint32_t)piece);
	rng_fill(&rng, payload, size);
	length = packet_build(packet, &spec, payload, size);
	*virtio = (struct virtio_net_hdr){ 0 };
	expected_count = 0;
	if (pieces == 0) {
		expect(NULL, packet, length);
		return length;
	}
	*virtio = (struct virtio_net_hdr){
		.flags = 1, .gso_type = protocol == 17 ? 5 : version == 4 ? 1 : 4, .hdr_len = (uint16_t)(length - size),
		.gso_size = (uint16_t)piece, .csum_start = (uint16_t)start, .csum_offset = protocol == 17 ? 6 : 16,
	};
	put32(rest, (uint32_t)(length - start));
	rest[7] = protocol;
	put16(packet + start + virtio->csum_offset,
	      naive_sum(naive_sum(0, packet + (version == 4 ? 12 : 8), version == 4 ? 8 : 32), rest, 8));
	if (version == 4)
		CHECK(kernel_takes(virtio, packet, length, expect, NULL) == 0);
	return length;
}

/* The first packet that is too long finds it out; the next ones know. */
static void test_kind(uint32_t features, int version, uint8_t protocol, bool df, unsigned pieces)
{
	static uint8_t packet[PACKET_ROOM];
	struct virtio_net_hdr virtio;
	size_t length;
	struct rig rig;

	rig_init(&rig);
	rig.options.features = features;
	rig_open(&rig);
	set_loopback(65536);
	length = make(packet, &virtio, 4, protocol, df, pieces);
	rig_device_send(&rig, 0, &virtio, packet, length);
	for (int i = 0; i < expected_count; i++)
		CHECK(rig_udp_receive(&rig, 0, packet, NULL, 3000) == (int)expected[i].end);
	set_loopback(PATH);
	for (int known = 0; known < 3; known++) {
		length = make(packet, &virtio, version, protocol, df, pieces);
		rig_device_send(&rig, 0, &virtio, packet, length);
		if (df || version == 6)
			expect_too_big(&rig, version);
		else
			receive_all(&rig);
	}
	CHECK((rig_counter(&rig, COUNTER_DROP_TOO_BIG) > 0) == (df || version == 6));
	CHECK(rig_device_drops(&rig) == rig_counter(&rig, COUNTER_DROP_TOO_BIG));
	rig_close(&rig);
	CHECK(rig.failures == 0);
	rig_destroy(&rig);
}

int main(int argc, char **argv)
{
	static const uint32_t without[] = { 0, FEATURE_UDP_GSO, FEATURE_MMSG, FEATURE_UDP_GSO | FEATURE_MMSG };

	rng = rng_of_arguments(argc, argv);
	if (unshare(CLONE_NEWNET) < 0) {
		printf("no network namespace of our own: not tested\n");
		return 0;
	}
	set_loopback(65536);
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		for (int kind = 0; kind < 3; kind++)
			for (unsigned pieces = 0; pieces <= 20; pieces += 5)
				test_kind(RIG_ALL_FEATURES & ~without[i], kind == 2 ? 6 : 4, pieces % 2 ? 6 : 17, kind == 1, pieces);
	return 0;
}
