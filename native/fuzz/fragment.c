/*
 * Fuzz target: a packet is cut into fragments. Input: two bytes of MTU, the packet. The fragments, one after the
 * other, are the payload.
 */
#include "../src/packet/fragment.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fragmenter fragmenter;
	size_t done = 0, length;
	struct ip_packet ip;
	uint8_t *packet, *out;
	uint16_t mtu;

	if (size < 2)
		return 0;
	mtu = get16(data);
	packet = exact_copy(data + 2, size - 2);
	if (ip_parse(&ip, packet, size - 2, true) != IP_FINE || !fragment_begin(&fragmenter, packet, &ip, mtu)) {
		free(packet);
		return 0;
	}
	CHECK(ip.version == 4 && !ip.dont_fragment && mtu >= 68);
	out = malloc(mtu);
	CHECK(out != NULL);
	while ((length = fragment_next(&fragmenter, out)) > 0) {
		uint16_t word = get16(out + 6);
		struct ip_packet piece;

		CHECK(length > ip.header && length <= mtu && ip_parse(&piece, out, length, false) == IP_FINE && piece.length == length);
		CHECK(naive_sum(0, out, ip.header) == 0xffff && (word & 0x1fffu) * 8 == ip.fragment_offset + done);
		CHECK(memcmp(out + ip.header, packet + ip.header + done, length - ip.header) == 0);
		done += length - ip.header;
		CHECK(((word & 0x2000) != 0) == (ip.more_fragments || done < ip.length - ip.header));
		CHECK(done == ip.length - ip.header || (length - ip.header) % 8 == 0);
	}
	CHECK(done == ip.length - ip.header);
	free(out);
	free(packet);
	return 0;
}

size_t fuzz_example(struct rng *rng, uint8_t *out)
{
	put16(out, 68 + rng_below(rng, 700));
	return 2 + fuzz_packet(rng, out + 2);
}
