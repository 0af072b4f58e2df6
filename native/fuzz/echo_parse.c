/*
 * Fuzz target: what a raw socket received is judged. Input: two bytes (our identifier), the packet.
 */
#include "../src/icmp/echo_packet.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = size - 2;
	struct echo_packet read;
	uint16_t identifier;
	uint8_t *packet;

	if (size < 3)
		return 0;
	identifier = (uint16_t)(data[0] << 8 | data[1]);
	packet = exact_copy(data + 2, length);
	if (echo_parse(packet, length, identifier, &read)) {
		CHECK(length >= 28 && packet[0] >> 4 == 4 && packet[9] == 1 && read.ttl == packet[8]);
		CHECK(read.kind <= ECHO_UNREACHABLE && read.payload_length <= ECHO_PAYLOAD_MAX);
		CHECK(read.kind == ECHO_REQUEST || read.identifier == identifier);
		if (read.kind == ECHO_REQUEST || read.kind == ECHO_REPLY)
			CHECK(memcmp(read.payload, ECHO_MAGIC, ECHO_MAGIC_LENGTH) == 0);
	}
	free(packet);
	return 0;
}

/* A request, a reply or an error with identifier and all, as they are on the wire. */
size_t fuzz_example(struct rng *rng, uint8_t *out)
{
	uint8_t *packet = out + 2, *icmp = packet + 20;
	bool error = rng_once_in(rng, 3);
	size_t quoted = error ? 28 : 0, length = 28 + quoted + rng_below(rng, 60);
	uint16_t sum;

	rng_fill(rng, out, 2);
	hex(packet, "45000000 00004000 40010000 c0a83202 c0a83201");
	packet[2] = (uint8_t)(length >> 8);
	packet[3] = (uint8_t)length;
	rng_fill(rng, icmp, length - 20);
	if (error) {
		hex(icmp, "0304 0000 0000 0578 45000054 00004000 40010000 c0a83201 c0a83202 0800 0000");
		memcpy(icmp + 32, out, 2);
	} else {
		hex(icmp, rng_once_in(rng, 2) ? "0800 0000" : "0000 0000");
		memcpy(icmp + 4, out, 2);
		if (length >= 32)
			memcpy(icmp + 8, ECHO_MAGIC, ECHO_MAGIC_LENGTH);
	}
	sum = (uint16_t)~naive_sum(0, icmp, length - 20);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	return 2 + length;
}
