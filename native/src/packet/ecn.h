/*
 * Explicit congestion notification across a tunnel (RFC 6040, normal mode) and DSCP. Two pure rules, no state.
 */
#ifndef FLANNELD_ECN_H
#define FLANNELD_ECN_H

#include <stdint.h>

enum { ECN_NOT_CAPABLE = 0, ECN_ONE = 1, ECN_ZERO = 2, ECN_CONGESTED = 3 };

/*
 * The outer traffic class of an inner one: section 4.1 copies ECN; DSCP is copied likewise (RFC 2983's uniform
 * marking on the way in), so that the underlay treats a flow as it asked to be treated.
 */
static inline uint8_t ecn_encapsulate(uint8_t inner)
{
	return inner;
}

/*
 * The inner ECN bits after decapsulation (section 4.2, figure 4), or -1 when the packet is to be dropped: congestion
 * was marked and its flow would not see it. The inner DSCP stays as it was, whatever the underlay made of the outer.
 */
static inline int ecn_decapsulate(uint8_t inner, uint8_t outer)
{
	inner &= 3;
	outer &= 3;
	if (outer == ECN_CONGESTED)
		return inner == ECN_NOT_CAPABLE ? -1 : ECN_CONGESTED;
	if (outer == ECN_ONE && inner == ECN_ZERO)
		return ECN_ONE;
	return inner;
}

#endif
