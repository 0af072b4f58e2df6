/*
 * Fuzz target: a stream of packets is merged; ../test/merge_oracle.c judges. Input: one byte of switches, then packets,
 * each behind two bytes with its length (the highest bit: its checksums are made right first).
 */
#include "../test/merge_oracle.h"

#include "fuzz.h"

static bool is_packet(const uint8_t *packet, size_t length)
{
	struct ip_packet ip;

	return ip_parse(&ip, packet, length, true) == IP_FINE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct merge_oracle oracle;
	static uint8_t packet[FUZZ_LONGEST];
	size_t at = 1;

	if (size < 1)
		return 0;
	oracle_init(&oracle, checksum_choose((data[0] & 1) != 0), (data[0] & 2) == 0, (data[0] & 4) == 0);
	oracle.refuse_one_in = (data[0] & 8) != 0 ? 2 : 0;
	while (at + 2 <= size) {
		uint16_t head = get16(data + at);
		size_t length = head & 0x7fff;

		at += 2;
		if (length > size - at)
			length = size - at;
		memcpy(packet, data + at, length);
		if ((head & 0x8000) != 0 && is_packet(packet, length))
			packet_mend(packet, true);
		oracle_give(&oracle, packet, length);
		at += length;
	}
	oracle_judge(&oracle);
	return 0;
}

/* Some flows in turn, so that there is something to merge. */
size_t fuzz_example(struct rng *rng, uint8_t *out)
{
	struct packet_spec specs[3];
	static uint8_t payload[1400];
	size_t at = 1;

	for (int i = 0; i < 3; i++)
		specs[i] = packet_random(rng, rng_once_in(rng, 2) ? 4 : 6, rng_once_in(rng, 2) ? 6 : 17);
	out[0] = (uint8_t)(rng_next(rng) & 0x0f & (rng_once_in(rng, 2) ? 0x09 : 0x0f));
	while (at + 1600 < FUZZ_LONGEST && !rng_once_in(rng, 30)) {
		struct packet_spec *spec = &specs[rng_below(rng, rng_once_in(rng, 4) ? 3 : 1)];
		uint32_t size = rng_once_in(rng, 8) ? rng_below(rng, 300) : 200;
		size_t length = packet_build(out + at + 2, spec, payload, size);

		spec->sequence += size;
		spec->id++;
		put16(out + at, (uint32_t)length | (rng_once_in(rng, 4) ? 0 : 0x8000));
		at += 2 + length;
	}
	return at;
}
