/*
 * Making and freeing peers, and adding up their traffic.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct peer *peer_new(uint8_t version, struct ip_address ip, uint16_t port, uint32_t workers)
{
	size_t size = sizeof(struct peer) + workers * sizeof(struct traffic);
	struct peer *peer = aligned_alloc(_Alignof(struct peer), (size + 63) & ~(size_t)63);

	if (peer == NULL)
		return NULL;
	memset(peer, 0, size);
	peer->version = version;
	peer->ip = ip;
	peer->holders = 1;
	peer->workers = workers;
	if (version == 4) {
		peer->address.v4.sin_family = AF_INET;
		peer->address.v4.sin_port = htons(port);
		ip_write_address((uint8_t *)&peer->address.v4.sin_addr, 4, ip);
		peer->address_length = sizeof(peer->address.v4);
	} else {
		peer->address.v6.sin6_family = AF_INET6;
		peer->address.v6.sin6_port = htons(port);
		ip_write_address((uint8_t *)&peer->address.v6.sin6_addr, 6, ip);
		peer->address_length = sizeof(peer->address.v6);
	}
	return peer;
}

void peer_release(struct peer *peer)
{
	if (--peer->holders == 0)
		free(peer);
}

void peer_sum(const struct peer *peer, uint64_t sums[4])
{
	memset(sums, 0, 4 * sizeof(sums[0]));
	for (uint32_t i = 0; i < peer->workers; i++) {
		const struct traffic *traffic = &peer->traffic[i];

		sums[0] += atomic_load_explicit(&traffic->sent_packets, memory_order_relaxed);
		sums[1] += atomic_load_explicit(&traffic->sent_bytes, memory_order_relaxed);
		sums[2] += atomic_load_explicit(&traffic->received_packets, memory_order_relaxed);
		sums[3] += atomic_load_explicit(&traffic->received_bytes, memory_order_relaxed);
	}
}
