/*
 * An engine between sockets that a test holds: a pair of AF_UNIX SOCK_SEQPACKET for each queue stands for the TUN device
 * (it keeps packets apart, takes writev and poll, and carries any virtio header), UDP sockets on 127.0.0.2 and on are
 * the peers. Needs no privilege.
 */
#ifndef FLANNELD_TEST_ENGINE_RIG_H
#define FLANNELD_TEST_ENGINE_RIG_H

#include "../src/dataplane/engine.h"

#include "packets.h"

/* Peer 0 has 10.5.2.0/24 and fd05:2::/64, peer 1 10.5.3.0/24 and fd05:3::/64 ... we have 10.5.1.0/24 and fd05:1::/64. */
#define RIG_PEERS 3
/* One more socket, whose address nobody knows. */
#define RIG_STRANGER RIG_PEERS
#define RIG_ALL_FEATURES ((1u << FEATURE_COUNT) - 1)
#define RIG_MTU 1472

struct rig {
	struct engine_options options;
	struct engine *engine;
	int device[MAX_QUEUES];		/* our ends */
	int udp[RIG_PEERS + 1];
	uint16_t port;
	_Atomic int failures, error;
	_Atomic(const char *) place;
};

/* Sockets and default options; change those before rig_open(). */
void rig_init(struct rig *rig);
/* Opens the engine with the routes of all peers: over sockets, or the TUN device that the options name. */
void rig_open(struct rig *rig);
/* Closes the engine and says how many milliseconds that took. */
double rig_close(struct rig *rig);
void rig_destroy(struct rig *rig);

/* Routes to the first `count` peers. */
void rig_set_routes(struct rig *rig, unsigned count);

/* A packet of `spec` with addresses in the subnets of two nodes: 0 is us, 1 peer 0, and so on. */
void rig_address(struct packet_spec *spec, uint8_t from, uint8_t to);

/* Into the TUN side, as if the kernel had a packet for us. Waits while the queue is full. */
void rig_device_send(struct rig *rig, unsigned queue, const struct virtio_net_hdr *virtio, const uint8_t *packet, size_t length);
/* The next packet that the engine wrote to the device; -1 when there is none for `wait_ms`. */
int rig_device_receive(struct rig *rig, struct virtio_net_hdr *virtio, uint8_t *packet, int wait_ms);

/* A datagram from a peer to the engine. `size` cuts it into several (UDP_SEGMENT). */
void rig_udp_send(struct rig *rig, unsigned peer, uint8_t class, uint16_t size, const uint8_t *data, size_t length);
/* The next datagram that a peer got; -1 when there is none for `wait_ms`. `class` may be NULL. */
int rig_udp_receive(struct rig *rig, unsigned peer, uint8_t *data, uint8_t *class, int wait_ms);

uint64_t rig_counter(const struct rig *rig, enum counter counter);
/* Waits until the counter stands at `value` (and not beyond). */
void rig_expect(const struct rig *rig, enum counter counter, uint64_t value);
/* All that were read from the device and went nowhere, by the counters of that direction. */
uint64_t rig_device_drops(const struct rig *rig);
/* The same of what was received. */
uint64_t rig_udp_drops(const struct rig *rig);
/* Sent packets, bytes, received packets, bytes of a peer. */
void rig_traffic(const struct rig *rig, unsigned peer, uint64_t sums[4]);

double rig_now_ms(void);

#endif
