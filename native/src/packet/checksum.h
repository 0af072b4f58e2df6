/*
 * The Internet checksum (RFC 1071), alone and in one pass with a copy. Sums are kept in the order in which bytes lie in
 * memory, so they are the same on either endianness. Knows no headers.
 */
#ifndef FLANNELD_CHECKSUM_H
#define FLANNELD_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One way to add up bytes. A sum may be continued only after a piece of even length. */
struct checksum {
	const char *name;
	uint64_t (*add)(uint64_t sum, const void *data, size_t length);
	/* The same, while copying: the pass over the data that a copy makes anyway. The areas must not overlap. */
	uint64_t (*copy)(uint64_t sum, void *to, const void *from, size_t length);
};

/* The fastest way that this processor has; with `plain` the one that every processor has. Static. */
const struct checksum *checksum_choose(bool plain);

/* Folds a sum to the 16 bits that stand in a header, not inverted, to be stored by memcpy. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Adds without overflow: a carry comes back at the other end. */
static inline uint64_t checksum_plus(uint64_t sum, uint64_t value)
{
	sum += value;
	return sum + (sum < value);
}

/* A sum of a short, even piece such as a header; not worth a vector. */
static inline uint64_t checksum_short(uint64_t sum, const void *data, size_t length)
{
	const uint8_t *at = data;
	uint16_t word;

	for (; length >= 2; at += 2, length -= 2) {
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	return sum;
}

#endif
