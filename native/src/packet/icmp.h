/*
 * ICMP errors (RFC 792, RFC 4443) about a packet that goes no further: built in a buffer. How often, and where they
 * are written to, is the caller's business.
 */
#ifndef FLANNELD_ICMP_H
#define FLANNELD_ICMP_H

#include "ip_packet.h"

/* The longest error: RFC 1812 4.3.2.3 quotes up to 576 bytes in all, RFC 4443 2.4(c) up to the least IPv6 MTU. */
#define ICMP_LONGEST 1280u

enum icmp_error {
	ICMP_NO_ROUTE,			/* net unreachable; no route to destination */
	ICMP_EXPIRED,			/* hop limit exceeded in transit */
	ICMP_TOO_BIG,			/* fragmentation needed; packet too big */
};

/* Whether an error about this packet may be sent at all (RFC 1812 4.3.2.7, RFC 4443 2.4(e)). */
bool icmp_may_answer(const struct ip_packet *ip, const uint8_t *packet);

/*
 * Writes the whole IP packet with the error into `out` (ICMP_LONGEST bytes) and returns its length. `from` is the
 * node that says it; `mtu` is used by ICMP_TOO_BIG alone.
 */
size_t icmp_write(uint8_t *out, enum icmp_error error, uint16_t mtu, struct ip_address from, const struct ip_packet *ip,
		  const uint8_t *packet);

#endif
