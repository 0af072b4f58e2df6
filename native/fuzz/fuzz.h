/*
 * What a fuzz target has: libFuzzer's entry, and an example of an input that leads somewhere. The same file runs under
 * libFuzzer (libfuzzer.c) and under the driver that needs nothing but a compiler (driver.c).
 */
#ifndef FLANNELD_FUZZ_H
#define FLANNELD_FUZZ_H

#include "../test/packets.h"

/* No input is longer. */
#define FUZZ_LONGEST 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes an example, at most FUZZ_LONGEST bytes, and returns its length. */
size_t fuzz_example(struct rng *rng, uint8_t *out);

/* A packet of any kind that the engine tells apart, at most 1500 bytes. */
static inline size_t fuzz_packet(struct rng *rng, uint8_t *out)
{
	static uint8_t payload[1400];
	uint8_t protocol = (uint8_t[]){ 6, 6, 17, 17, 1, 58, 44, 99 }[rng_below(rng, 8)];
	struct packet_spec spec = packet_random(rng, rng_once_in(rng, 2) ? 4 : 6, protocol);

	spec.extension = spec.version == 6 && rng_once_in(rng, 6);
	if (spec.version == 4 && rng_once_in(rng, 6)) {
		spec.ip_options_length = 8;
		hex(spec.ip_options, "94040000 44040500");
	}
	if (rng_once_in(rng, 8))
		spec.fragment = (uint16_t)(rng_next(rng) & 0x3fff);
	spec.no_checksum = rng_once_in(rng, 8);
	rng_fill(rng, payload, 16);
	return packet_build(out, &spec, payload, rng_below(rng, rng_once_in(rng, 2) ? 100 : sizeof(payload)));
}

#endif
