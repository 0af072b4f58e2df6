/*
 * Cutting an IPv4 packet without DF into fragments (RFC 791, section 3.2), one at a time into the caller's buffer.
 * IPv6 packets are cut by their senders alone.
 */
#ifndef FLANNELD_FRAGMENT_H
#define FLANNELD_FRAGMENT_H

#include "ip_packet.h"

struct fragmenter {
	const uint8_t *packet;
	struct ip_packet ip;
	uint32_t payload;		/* bytes of payload a fragment, a multiple of 8 */
	uint32_t done;			/* bytes of payload cut so far */
};

/* The least MTU that every IPv4 hop carries. */
#define FRAGMENT_LEAST_MTU 68u

/* `packet` must stay until the last fragment was cut. False when it may not, or cannot, be fragmented to `mtu`. */
bool fragment_begin(struct fragmenter *ret, const uint8_t *packet, const struct ip_packet *ip, uint32_t mtu);

/* Writes the next fragment, at most `mtu` bytes, and returns its length; 0 after the last. */
size_t fragment_next(struct fragmenter *fragmenter, uint8_t *out);

#endif
