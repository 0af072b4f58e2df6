/*
 * checksum.c against the naive sum: every variant that this processor has, on random bytes, lengths and alignments,
 * with buffers that end where the data ends.
 */
#include "../src/packet/checksum.h"

#include "check.h"

static uint16_t in_network_order(uint16_t memory_order)
{
	uint8_t bytes[2];

	memcpy(bytes, &memory_order, 2);
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void compare(const struct checksum *checksum, const uint8_t *data, size_t length, size_t offset, uint64_t start)
{
	uint8_t *area = malloc(offset + length + 1), *copy = malloc(offset + length + 1);
	uint16_t expected = naive_sum(in_network_order(checksum_fold(start)), data, length);

	CHECK(area != NULL && copy != NULL);
	area = realloc(area, offset + length + (offset + length == 0));
	copy = realloc(copy, offset + length + (offset + length == 0));
	CHECK(area != NULL && copy != NULL);
	memcpy(area + offset, data, length);
	memset(copy, 0xa5, offset + length);
	CHECK(in_network_order(checksum_fold(checksum->add(start, area + offset, length))) == expected);
	CHECK(in_network_order(checksum_fold(checksum->copy(start, copy + offset, area + offset, length))) == expected);
	CHECK(memcmp(copy + offset, data, length) == 0);
	for (size_t i = 0; i < offset; i++)
		CHECK(copy[i] == 0xa5);
	/* For headers: never many bytes on top of a sum that is nearly full. */
	if (length <= 120 && length % 2 == 0 && start < UINT64_MAX - (1u << 24))
		CHECK(in_network_order(checksum_fold(checksum_short(start, area + offset, length))) == expected);
	free(area);
	free(copy);
}

static void test_random(struct rng *rng, const struct checksum *checksum)
{
	static uint8_t data[65536];

	for (int round = 0; round < 4000; round++) {
		size_t length = round < 400 ? (size_t)round : rng_below(rng, rng_once_in(rng, 20) ? 65536 : 2000);
		/* A sum so far is anything. */
		uint64_t start = rng_once_in(rng, 3) ? 0 : rng_once_in(rng, 3) ? UINT64_MAX - rng_below(rng, 9) : rng_next(rng);

		rng_fill(rng, data, length);
		compare(checksum, data, length, rng_below(rng, 65), start);
	}
}

/* All ones are where carries get lost; all zeros must stay zero, since 0 and 0xffff are not the same in a header. */
static void test_extremes(const struct checksum *checksum)
{
	static uint8_t data[65536];

	for (size_t length = 0; length <= sizeof(data); length = length < 300 ? length + 1 : length + 4093) {
		memset(data, 0xff, sizeof(data));
		compare(checksum, data, length, length % 7, 0);
		compare(checksum, data, length, length % 7, UINT64_MAX);
		memset(data, 0, sizeof(data));
		compare(checksum, data, length, length % 7, 0);
		CHECK(checksum_fold(checksum->add(0, data, length)) == 0);
	}
}

/* A packet in pieces of even length is the packet. */
static void test_pieces(struct rng *rng, const struct checksum *checksum)
{
	uint8_t data[4096];

	for (int round = 0; round < 500; round++) {
		size_t length = rng_below(rng, sizeof(data)), done = 0;
		uint64_t sum = 0;

		rng_fill(rng, data, length);
		while (done < length) {
			size_t piece = 2 * (1 + rng_below(rng, 300));

			if (piece > length - done)
				piece = length - done;
			sum = checksum->add(sum, data + done, piece);
			done += piece;
		}
		CHECK(in_network_order(checksum_fold(sum)) == naive_sum(0, data, length));
	}
}

/* RFC 1071, section 3: the worked example. */
static void test_golden(const struct checksum *checksum)
{
	uint8_t data[8];

	CHECK(hex(data, "0001 f203 f4f5 f6f7") == 8);
	CHECK(in_network_order(checksum_fold(checksum->add(0, data, 8))) == 0xddf2);
}

static void test_plus(struct rng *rng)
{
	CHECK(checksum_plus(UINT64_MAX, 1) == 1 && checksum_plus(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
	CHECK(checksum_plus(0, 0) == 0);
	CHECK(checksum_fold(0) == 0 && checksum_fold(UINT64_MAX) == 0xffff && checksum_fold(0xffff) == 0xffff);
	for (int i = 0; i < 10000; i++) {
		uint64_t value = rng_next(rng);
		uint32_t naive = 0;

		for (int word = 0; word < 4; word++)
			naive += value >> (16 * word) & 0xffff;
		while (naive > 0xffff)
			naive = (naive & 0xffff) + (naive >> 16);
		CHECK(checksum_fold(value) == naive);
	}
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);

	for (int plain = 0; plain < 2; plain++) {
		const struct checksum *checksum = checksum_choose(plain == 1);

		CHECK(plain == 0 || strcmp(checksum->name, "scalar") == 0);
		printf("checksum %s\n", checksum->name);
		test_random(&rng, checksum);
		test_extremes(checksum);
		test_pieces(&rng, checksum);
		test_golden(checksum);
	}
	test_plus(&rng);
	return 0;
}
