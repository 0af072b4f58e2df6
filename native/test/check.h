/*
 * What every C test and fuzz target here uses: a check that says where it failed, random numbers that a seed repeats,
 * bytes written as hex, and a checksum so plain that it can be the judge of the fast ones.
 */
#ifndef FLANNELD_TEST_CHECK_H
#define FLANNELD_TEST_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Aborts, so that a sanitizer or a fuzzer sees the stack. */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

static inline void __attribute__((noreturn, unused)) check_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

/* xorshift64* (Vigna, 2014). */
struct rng { uint64_t state; };

static inline uint64_t rng_next(struct rng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return rng->state * UINT64_C(2685821657736338717);
}

/* 0 to below `limit`. */
static inline uint32_t rng_below(struct rng *rng, uint32_t limit)
{
	return (uint32_t)((rng_next(rng) >> 32) * limit >> 32);
}

/* True once in `times`. */
static inline bool rng_once_in(struct rng *rng, uint32_t times)
{
	return rng_below(rng, times) == 0;
}

static inline void rng_fill(struct rng *rng, void *to, size_t length)
{
	uint8_t *at = to;

	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)(rng_next(rng) >> 33);
}

static inline struct rng rng_from(uint64_t seed)
{
	struct rng rng = { (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) };

	if (rng.state == 0)
		rng.state = 1;
	for (int i = 0; i < 8; i++)
		(void)rng_next(&rng);
	return rng;
}

/* The seed of this run: the first argument, or the clock's; printed, so that a failure can be repeated. */
static inline struct rng rng_of_arguments(int argc, char **argv)
{
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 20;
	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	return rng_from(seed);
}

/* Bytes out of hex digits, spaces between them as one likes. Returns how many. */
static inline size_t hex(uint8_t *to, const char *text)
{
	size_t digits = 0;

	for (; *text != '\0'; text++) {
		int value = *text >= '0' && *text <= '9' ? *text - '0' : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10 : -1;

		if (value < 0)
			continue;
		to[digits / 2] = (uint8_t)(digits % 2 == 0 ? value << 4 : to[digits / 2] | value);
		digits++;
	}
	return digits / 2;
}

/* A copy of exactly this size, so that the address sanitizer sees one byte too many. */
static inline uint8_t *exact_copy(const void *from, size_t length)
{
	uint8_t *copy = malloc(length);

	/* Of no bytes at all malloc makes something that may not be touched. */
	CHECK(copy != NULL);
	return length == 0 ? copy : memcpy(copy, from, length);
}

/* RFC 1071 as a child would do it: big-endian words, one by one, carry at once. Not inverted, in host order. */
static inline uint16_t naive_sum(uint32_t sum, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)sum;
}

#endif
