/*
 * The UDP sockets of the engine: opening and binding them, and the control messages that go with each message. The one
 * place that knows which socket option means what for IPv4 and for IPv6.
 */
#ifndef FLANNELD_UDP_SOCKET_H
#define FLANNELD_UDP_SOCKET_H

#include "../packet/ip_packet.h"
#include "peer.h"

/* The largest payload of one UDP message over IPv4; IPv6 takes a little more. */
#define UDP_LONGEST 65507u
/* Room for the control messages of one message in either direction. */
#define CONTROL_BYTES 128

struct udp_options {
	uint8_t version;		/* 4 or 6 */
	struct ip_address source;
	uint16_t port;			/* 0: any; such a socket only sends */
	uint32_t wanted;		/* FEATURE_UDP_GSO, FEATURE_UDP_GRO */
};

/*
 * Opens `count` sockets on one port, among which the kernel spreads senders (SO_REUSEPORT). Another socket there, even
 * one that would share, is -EADDRINUSE. Returns 0, fds and the features found in *ret_features, or -errno.
 */
int udp_open(const struct udp_options *options, size_t count, int *ret_fds, uint32_t *ret_features);

/*
 * Fills the control part of a message to be sent: the datagram size of a message of several (0 for one), and the
 * traffic class (0 is the default and needs none). `control` has CONTROL_BYTES.
 */
void udp_write_control(struct msghdr *message, uint8_t *control, uint8_t version, uint16_t size, uint8_t traffic_class);

/* What came with a received message. */
struct udp_received {
	uint32_t size;			/* of each datagram in it but the last; 0 for a message of one */
	uint32_t overruns;		/* messages lost at this socket since it was opened, modulo 2^32 */
	bool has_overruns;
	uint8_t traffic_class;
	struct ip_address sender;
	uint8_t version;		/* of the sender; 0 when there is none */
};

void udp_read_control(struct udp_received *ret, struct msghdr *message);

/* The MTU of the route to a peer, outer headers included, as the kernel has learned it; or -errno. */
int udp_path_mtu(const struct peer *peer);

/* Outer IP and UDP header. */
static inline uint32_t udp_overhead(uint8_t version)
{
	return (version == 4 ? IPV4_HEADER : IPV6_HEADER) + 8;
}

#endif
