/*
 * A node that packets go to and come from: its address, what is known of the path, and its share of the traffic. Lives
 * across generations, so that counting does not begin anew with each change of the routes.
 */
#ifndef FLANNELD_PEER_H
#define FLANNELD_PEER_H

#include "../packet/ip_packet.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* Threads that can carry packets: 16 queues, two directions. */
#define MAX_WORKERS 32

/* Written by one thread, read by any: a plain store is enough, and 64 bits are stored at once. */
struct traffic {
	_Atomic uint64_t sent_packets, sent_bytes, received_packets, received_bytes;
} __attribute__((aligned(64)));

struct peer {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t address_length;
	uint8_t version;		/* 4 or 6, of the outer address */
	struct ip_address ip;		/* the same address in host order */
	uint32_t holders;		/* generations that name it; JavaScript's thread alone counts */
	_Atomic uint32_t path_mtu;	/* the longest inner packet that the path carries; 0 for unknown */
	_Atomic uint64_t path_mtu_until;	/* monotonic nanoseconds: then larger ones are tried again */
	uint32_t workers;
	struct traffic traffic[];	/* one a worker */
};

/* A peer held once. NULL without memory. */
struct peer *peer_new(uint8_t version, struct ip_address ip, uint16_t port, uint32_t workers);

/* Lets go; the last one frees it. */
void peer_release(struct peer *peer);

/* What all workers carried: packets and bytes sent, packets and bytes received. */
void peer_sum(const struct peer *peer, uint64_t sums[4]);

/* Adds to a counter that only this thread writes. */
static inline void count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

#endif
