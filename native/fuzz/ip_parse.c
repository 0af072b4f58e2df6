/*
 * Fuzz target: a header is read. Input: one byte (trusted or not), the packet.
 */
#include "../src/packet/ip_packet.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool trusted = size > 0 && (data[0] & 1) != 0;
	size_t length = size > 0 ? size - 1 : 0;
	uint8_t *packet = exact_copy(size > 0 ? data + 1 : data, length);
	struct ip_packet ip, again;

	if (ip_parse(&ip, packet, length, trusted) != IP_FINE) {
		free(packet);
		return 0;
	}
	CHECK(ip.version == packet[0] >> 4 && ip.length <= length && ip.header <= ip.length && ip.length >= 20);
	CHECK(ip.fragment_offset + (ip.length - ip.header) <= 65535);
	if (ip.version == 4) {
		bool right = naive_sum(0, packet, ip.header) == 0xffff;

		CHECK(trusted || right);
		CHECK(ip_parse(&again, packet, ip.length, false) == (right ? IP_FINE : IP_WRONG_SUM));
	}
	/* A header that is right stays right. */
	ip_set_ecn(packet, data[0] >> 1 & 3);
	if (ip.hop_limit > 0)
		ip_decrement(packet);
	if (ip.version == 4 && !trusted)
		CHECK(naive_sum(0, packet, ip.header) == 0xffff);
	CHECK(ip_parse(&again, packet, ip.length, true) == IP_FINE && again.traffic_class == ((ip.traffic_class & 0xfc) | (data[0] >> 1 & 3)));
	CHECK(ip_same_address(again.source, ip.source) && ip_same_address(again.destination, ip.destination));
	CHECK(again.hop_limit == (ip.hop_limit > 0 ? ip.hop_limit - 1 : 0) && again.id == ip.id && again.length == ip.length);
	free(packet);
	return 0;
}

size_t fuzz_example(struct rng *rng, uint8_t *out)
{
	out[0] = (uint8_t)rng_next(rng);
	return 1 + fuzz_packet(rng, out + 1);
}
