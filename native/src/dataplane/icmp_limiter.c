/*
 * A token bucket, and a small table of flows that were told.
 */
#include "icmp_limiter.h"

#define SECOND UINT64_C(1000000000)
/* Of the order of the kernel's own net.ipv4.icmp_msgs_per_sec and icmp_msgs_burst (ip-sysctl.rst). */
#define PER_SECOND 1000u
#define BURST 100u

static void refill(struct icmp_limiter *limiter, uint64_t now)
{
	uint64_t more = (now - limiter->refilled) / (SECOND / PER_SECOND);

	if (limiter->refilled == 0 || more > BURST) {
		limiter->tokens = BURST;
		limiter->refilled = now;
		return;
	}
	limiter->tokens = limiter->tokens + more > BURST ? BURST : limiter->tokens + (uint32_t)more;
	limiter->refilled += more * (SECOND / PER_SECOND);
}

static uint64_t flow_of(const struct ip_packet *ip, const uint8_t *packet)
{
	uint64_t ports = ip->length >= (uint32_t)ip->header + 4 ? read32(packet + ip->header) : 0;
	uint64_t mixed = ip->source.high ^ ip->source.low * UINT64_C(0x9e3779b97f4a7c15) ^ ip->protocol;

	mixed = (mixed ^ ip->destination.high ^ mixed >> 31) * UINT64_C(0xbf58476d1ce4e5b9) ^ ip->destination.low;
	mixed = (mixed ^ mixed >> 29) * UINT64_C(0x94d049bb133111eb) ^ ports * UINT64_C(0x9e3779b97f4a7c15);
	return mixed ^ mixed >> 32;
}

bool icmp_limiter_allows(struct icmp_limiter *limiter, enum icmp_error error, const struct ip_packet *ip,
			 const uint8_t *packet, uint64_t now)
{
	uint64_t flow = flow_of(ip, packet);
	size_t slot = flow % LIMITER_FLOWS;

	refill(limiter, now);
	if (limiter->tokens == 0)
		return false;
	if (error == ICMP_TOO_BIG) {
		if (limiter->flows[slot].flow == flow && now < limiter->flows[slot].until)
			return false;
		limiter->flows[slot].flow = flow;
		limiter->flows[slot].until = now + SECOND;
	}
	limiter->tokens--;
	return true;
}
