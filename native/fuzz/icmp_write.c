/*
 * Fuzz target: an ICMP error is written. Input: one byte (which), two bytes of MTU, the packet.
 */
#include "../src/dataplane/icmp_limiter.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ip_address from = { UINT64_C(0xfd00000000000000), 0x0a000001 };
	struct icmp_limiter limiter = { 0 };
	struct ip_packet ip, answer;
	size_t length, header;
	uint8_t *packet, *out;

	if (size < 3)
		return 0;
	packet = exact_copy(data + 3, size - 3);
	if (ip_parse(&ip, packet, size - 3, true) != IP_FINE) {
		free(packet);
		return 0;
	}
	out = malloc(ICMP_LONGEST);
	CHECK(out != NULL);
	length = icmp_write(out, (enum icmp_error)(data[0] % 3), get16(data + 1), from, &ip, packet);
	CHECK(length <= ICMP_LONGEST && packet_is_valid(out, length) && ip_parse(&answer, out, length, false) == IP_FINE);
	header = answer.header;
	CHECK(answer.length == length && ip_same_address(answer.destination, ip.source));
	CHECK(memcmp(out + header + 8, packet, length - header - 8) == 0);
	/* An error is never answered with an error. */
	CHECK(!icmp_may_answer(&answer, out));
	if (icmp_may_answer(&ip, packet))
		CHECK(ip.fragment_offset == 0 && ip_is_unicast(ip.source, ip.version));
	CHECK(icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip, packet, 1) && !icmp_limiter_allows(&limiter, ICMP_TOO_BIG, &ip, packet, 1));
	free(out);
	free(packet);
	return 0;
}

size_t fuzz_example(struct rng *rng, uint8_t *out)
{
	rng_fill(rng, out, 3);
	return 3 + fuzz_packet(rng, out + 3);
}
