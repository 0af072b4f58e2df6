/*
 * From the device to the peers: read, look up, take one from the hop limit, cut, send. What cannot go on is answered
 * with an ICMP error where one is due, and counted.
 */
#ifndef FLANNELD_ENCAPSULATE_H
#define FLANNELD_ENCAPSULATE_H

#include "icmp_limiter.h"
#include "sender.h"

struct encapsulator {
	struct lane *lane;
	struct sender sender;
	struct icmp_limiter limiter;
	uint8_t *packet;		/* one read: virtio header and packet */
	uint8_t *piece;			/* one packet out of a super-packet, on the way into fragments */
	uint8_t *fragment;
};

/* Returns 0 or -ENOMEM; destroy in either case. */
int encapsulator_init(struct encapsulator *encapsulator, struct lane *lane);
void encapsulator_destroy(struct encapsulator *encapsulator);

/* Carries what the device has, a batch at most. Returns how many were read; 0 when there is nothing. */
unsigned encapsulate(struct encapsulator *encapsulator, const struct generation *generation);

#endif
