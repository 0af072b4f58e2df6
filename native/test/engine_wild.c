/*
 * Random traffic around an engine.
 */
#include "engine_wild.h"

#include <unistd.h>

size_t wild_packet(struct rng *rng, uint8_t *out, uint8_t from, uint8_t to)
{
	static __thread uint8_t payload[PACKET_ROOM];
	uint8_t protocol = (uint8_t[]){ 6, 6, 17, 17, 1, 58, 44, 99 }[rng_below(rng, 8)];
	struct packet_spec spec = packet_random(rng, rng_once_in(rng, 2) ? 4 : 6, protocol);
	size_t size = rng_below(rng, rng_once_in(rng, 10) ? 65300 : 1400), length;

	if (rng_once_in(rng, 20)) {
		rng_fill(rng, out, size);
		return size == 0 ? 1 : size;
	}
	rig_address(&spec, from, to);
	spec.ttl = (uint8_t)(rng_once_in(rng, 20) ? rng_below(rng, 2) : 64);
	spec.source_port = (uint16_t)(1 + rng_below(rng, 8));
	spec.extension = spec.version == 6 && rng_once_in(rng, 10);
	if (spec.version == 4 && rng_once_in(rng, 10))
		spec.ip_options_length = 8;
	if (rng_once_in(rng, 20))
		spec.fragment = (uint16_t)(rng_next(rng) & 0x3fff);
	rng_fill(rng, payload, 8);
	if (size > 65535 - packet_headers(&spec))
		size = 65535 - packet_headers(&spec);
	length = packet_build(out, &spec, payload, size);
	if (rng_once_in(rng, 10))
		out[rng_below(rng, (uint32_t)(length < 80 ? length : 80))] ^= (uint8_t)(1u << rng_below(rng, 8));
	if (rng_once_in(rng, 20))
		length = 1 + rng_below(rng, (uint32_t)length);
	return length;
}

struct virtio_net_hdr wild_virtio(struct rng *rng, const uint8_t *packet, size_t length)
{
	struct virtio_net_hdr virtio = { 0 };
	uint8_t protocol = 0;
	size_t at = 0;

	if (rng_once_in(rng, 3))
		return virtio;
	if (length >= 40 && (packet[0] >> 4 == 4 || packet[0] >> 4 == 6))
		at = packet_transport(packet, length, &protocol);
	virtio = (struct virtio_net_hdr){
		.flags = 1, .gso_type = protocol == 17 ? 5 : packet[0] >> 4 == 4 ? 1 : 4,
		.gso_size = (uint16_t)(1 + rng_below(rng, rng_once_in(rng, 4) ? 65535 : 1400)),
		.hdr_len = (uint16_t)(at + 20), .csum_start = (uint16_t)at, .csum_offset = protocol == 17 ? 6 : 16,
	};
	if (rng_once_in(rng, 4))
		((uint8_t *)&virtio)[rng_below(rng, sizeof(virtio))] = (uint8_t)rng_next(rng);
	if (rng_once_in(rng, 20))
		rng_fill(rng, &virtio, sizeof(virtio));
	return virtio;
}

unsigned wild_datagram(struct rig *rig, struct rng *rng)
{
	static __thread uint8_t data[2 * PACKET_ROOM];
	unsigned peer = rng_once_in(rng, 10) ? RIG_STRANGER : rng_below(rng, RIG_PEERS);
	uint8_t from = (uint8_t)(rng_once_in(rng, 10) ? rng_below(rng, 9) : peer + 1), class = (uint8_t)(rng_once_in(rng, 2) ? 0 : rng_next(rng));
	size_t length = wild_packet(rng, data, from, 0), all;
	unsigned most;

	if (length > 65507)
		length = 65507;
	if (rng_once_in(rng, 50))
		length = 0;
	if (length == 0 || length > 1472 || rng_once_in(rng, 2)) {
		rig_udp_send(rig, peer, class, 0, data, length);
		return 1;
	}
	/* The same again and again, the last one perhaps short. */
	most = 1 + rng_below(rng, 30);
	for (all = length; all / length < most && all + length <= 65507; all += length)
		memcpy(data + all, data, length);
	all -= rng_once_in(rng, 2) && all > length ? rng_below(rng, (uint32_t)length) : 0;
	rig_udp_send(rig, peer, class, all > length ? (uint16_t)length : 0, data, all);
	return (unsigned)((all + length - 1) / length);
}

static void on_packet(void *context, const uint8_t *packet, size_t length)
{
	struct wild *wild = context;

	(void)packet;
	CHECK(length >= 20);
	wild->out_of_device++;
}

void wild_drain_device(struct wild *wild)
{
	static __thread uint8_t packet[PACKET_ROOM];
	struct virtio_net_hdr virtio;
	int length;

	if (wild->rig->device[0] < 0)
		return;
	/* What was merged is such as the kernel takes. */
	while ((length = rig_device_receive(wild->rig, &virtio, packet, 0)) > 0)
		CHECK(kernel_takes(&virtio, packet, (size_t)length, on_packet, wild) == 0);
}

void wild_drain_udp(struct wild *wild)
{
	static __thread uint8_t packet[PACKET_ROOM];

	for (unsigned peer = 0; peer <= RIG_PEERS; peer++) {
		int length;

		while ((length = rig_udp_receive(wild->rig, peer, packet, NULL, 0)) >= 0) {
			/* Whatever went in, what goes out is a packet of this length, and for a peer. */
			CHECK(peer != RIG_STRANGER && length >= 20);
			CHECK(packet[0] >> 4 == 4 ? get16(packet + 2) == length : packet[0] >> 4 == 6 && 40 + get16(packet + 4) == length);
			wild->out_of_udp++;
		}
	}
}

static void *feed_device(void *argument)
{
	struct wild *wild = argument;
	struct rng rng = rng_from(wild->seed);

	while (!wild->over) {
		wild->feed_device(wild, &rng);
		wild->into_device++;
	}
	return NULL;
}

static void *feed_udp(void *argument)
{
	struct wild *wild = argument;
	struct rng rng = rng_from(wild->seed ^ 0x5555);

	while (!wild->over)
		wild->into_udp += wild_datagram(wild->rig, &rng);
	return NULL;
}

static void *drain(void *argument)
{
	struct wild *wild = argument;

	while (!wild->over) {
		wild_drain_udp(wild);
		wild_drain_device(wild);
		usleep(200);
	}
	return NULL;
}

void wild_start(struct wild *wild)
{
	wild->over = false;
	CHECK(pthread_create(&wild->threads[0], NULL, feed_device, wild) == 0);
	CHECK(pthread_create(&wild->threads[1], NULL, feed_udp, wild) == 0);
	CHECK(pthread_create(&wild->threads[2], NULL, drain, wild) == 0);
}

void wild_stop(struct wild *wild)
{
	wild->over = true;
	for (int i = 0; i < 3; i++)
		pthread_join(wild->threads[i], NULL);
}
