/*
 * How many ICMP errors may be told: a bucket for all, and for "too big" once a flow and second, since a sender that
 * does not hear would otherwise get one for each packet. Pure; time comes from the caller.
 */
#ifndef FLANNELD_ICMP_LIMITER_H
#define FLANNELD_ICMP_LIMITER_H

#include "../packet/icmp.h"

#define LIMITER_FLOWS 256

struct icmp_limiter {
	uint64_t refilled;		/* monotonic nanoseconds */
	uint32_t tokens;
	struct {
		uint64_t flow;
		uint64_t until;
	} flows[LIMITER_FLOWS];
};

/* Whether this error may be sent now, and if so takes it into account. */
bool icmp_limiter_allows(struct icmp_limiter *limiter, enum icmp_error error, const struct ip_packet *ip,
			 const uint8_t *packet, uint64_t now);

#endif
