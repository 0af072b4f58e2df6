/*
 * Packets for tests: made from a description, judged by a parser of its own, cut by a model of the kernel. Shares no
 * code with what is tested, and prefers plain to fast.
 */
#ifndef FLANNELD_TEST_PACKETS_H
#define FLANNELD_TEST_PACKETS_H

#include "check.h"

#include <linux/virtio_net.h>

#define PACKET_ROOM 65600

struct packet_spec {
	int version;			/* 4 or 6 */
	uint8_t protocol;		/* 6, 17, or anything: then the payload follows the IP header */
	uint8_t source[16], destination[16];	/* IPv4 in the first 4 */
	uint16_t source_port, destination_port;
	uint32_t sequence, acknowledgement;
	uint8_t flags;
	uint16_t window, urgent;
	uint8_t options[40];		/* of TCP */
	uint8_t options_length;		/* a multiple of 4 */
	uint8_t ip_options[40];
	uint8_t ip_options_length;
	uint8_t extension;		/* IPv6: 1 puts a destination options header in front of the transport */
	uint8_t class, ttl;
	uint16_t id, fragment;		/* IPv4: the word with the flags */
	uint32_t label;
	bool no_checksum;		/* UDP: 0 */
};

/* A plausible one. Nothing in it is left unset. */
struct packet_spec packet_random(struct rng *rng, int version, uint8_t protocol);

/* Writes the packet with right lengths and checksums. Returns its length. */
size_t packet_build(uint8_t *out, const struct packet_spec *spec, const uint8_t *payload, size_t length);

/* Bytes of headers that packet_build writes. */
size_t packet_headers(const struct packet_spec *spec);

/* Computes anew what may have become wrong by a change: IP header checksum, and the transport's if `transport`. */
void packet_mend(uint8_t *packet, bool transport);

/* Where the transport header begins, by our own walk over extension headers; 0 when there is none. */
size_t packet_transport(const uint8_t *packet, size_t length, uint8_t *protocol);

/* A whole packet of exactly this length with right lengths and checksums, as a receiver would judge it. */
bool packet_is_valid(const uint8_t *packet, size_t length);

/* The transport's checksum is right (true where there is none to check). */
bool packet_transport_is_valid(const uint8_t *packet, size_t length);

/*
 * What the kernel does with a packet written to a TUN device: -EINVAL where virtio_net_hdr_to_skb or the GSO code
 * behind it refuses, else 0 after `each` had every packet that leaves.
 */
int kernel_takes(const struct virtio_net_hdr *header, const uint8_t *packet, size_t length,
		 void (*each)(void *context, const uint8_t *packet, size_t length), void *context);

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] * 256 + at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) * 65536 + get16(at + 2);
}

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value / 256);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value / 65536);
	put16(at + 2, value % 65536);
}

#endif
