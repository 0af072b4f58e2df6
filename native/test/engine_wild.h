/*
 * Traffic without manners, for the harness: packets and virtio headers that are right, nearly right, or nothing at
 * all; and the threads that send it and take what comes out.
 */
#ifndef FLANNELD_TEST_ENGINE_WILD_H
#define FLANNELD_TEST_ENGINE_WILD_H

#include "engine_rig.h"

#include <pthread.h>

struct wild {
	struct rig *rig;
	uint64_t seed;
	_Atomic bool over;
	_Atomic uint64_t into_device, into_udp, out_of_device, out_of_udp;
	/* Puts one thing into the device side; the harness has sockets there, or a real device. */
	void (*feed_device)(struct wild *wild, struct rng *rng);
	pthread_t threads[3];
};

/* A packet between two nodes (0 is us), or bytes. Returns its length, at most PACKET_ROOM. */
size_t wild_packet(struct rng *rng, uint8_t *out, uint8_t from, uint8_t to);

/* A virtio header that fits the packet, nearly, or not. */
struct virtio_net_hdr wild_virtio(struct rng *rng, const uint8_t *packet, size_t length);

/* A datagram, or several in one message, to the engine's port, from anybody. Returns how many. */
unsigned wild_datagram(struct rig *rig, struct rng *rng);

/* Starts and ends the threads. What comes out is checked as far as it can be. */
void wild_start(struct wild *wild);
void wild_stop(struct wild *wild);

/* Takes what has come out of the engine, and counts packets (cut as the kernel would). */
void wild_drain_udp(struct wild *wild);
void wild_drain_device(struct wild *wild);

#endif
