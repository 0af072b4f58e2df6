/*
 * The Internet checksum: a portable way, AVX2 and NEON. Each adds 32-bit halves into 64-bit lanes, which no packet can
 * overflow, and leaves the folding to the end (RFC 1071, section 2: deferred carries).
 */
#include "checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static inline uint64_t load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Fewer than 8 bytes, as if zeros followed. */
static inline uint64_t load_tail(const uint8_t *at, size_t length)
{
	uint64_t word = 0;

	memcpy(&word, at, length);
	return word;
}

static inline uint64_t halves(uint64_t word)
{
	return (word & 0xffffffff) + (word >> 32);
}

static inline uint64_t add_rest(uint64_t sum, const uint8_t *at, size_t length)
{
	for (; length >= 8; at += 8, length -= 8)
		sum = checksum_plus(sum, halves(load(at)));
	return checksum_plus(sum, halves(load_tail(at, length)));
}

static inline uint64_t copy_rest(uint64_t sum, uint8_t *to, const uint8_t *at, size_t length)
{
	memcpy(to, at, length);
	return add_rest(sum, at, length);
}

/* Four sums, so that no addition waits for the one before. */
static uint64_t plain_add(uint64_t sum, const void *data, size_t length)
{
	const uint8_t *at = data;
	uint64_t sums[4] = { 0 };

	for (; length >= 32; at += 32, length -= 32)
		for (int i = 0; i < 4; i++)
			sums[i] += halves(load(at + 8 * i));
	for (int i = 0; i < 4; i++)
		sum = checksum_plus(sum, sums[i]);
	return add_rest(sum, at, length);
}

static uint64_t plain_copy(uint64_t sum, void *to, const void *from, size_t length)
{
	const uint8_t *at = from;
	uint8_t *out = to;
	uint64_t sums[4] = { 0 };

	for (; length >= 32; at += 32, out += 32, length -= 32)
		for (int i = 0; i < 4; i++) {
			uint64_t word = load(at + 8 * i);

			memcpy(out + 8 * i, &word, sizeof(word));
			sums[i] += halves(word);
		}
	for (int i = 0; i < 4; i++)
		sum = checksum_plus(sum, sums[i]);
	return copy_rest(sum, out, at, length);
}

static const struct checksum plain = { "scalar", plain_add, plain_copy };

#if defined(__x86_64__)

struct lanes { __m256i low, high; };

__attribute__((target("avx2"))) static inline void add_lanes(struct lanes *lanes, __m256i value)
{
	lanes->low = _mm256_add_epi64(lanes->low, _mm256_and_si256(value, _mm256_set1_epi64x(0xffffffff)));
	lanes->high = _mm256_add_epi64(lanes->high, _mm256_srli_epi64(value, 32));
}

__attribute__((target("avx2"))) static inline uint64_t sum_lanes(uint64_t sum, struct lanes a, struct lanes b)
{
	__m256i all = _mm256_add_epi64(_mm256_add_epi64(a.low, a.high), _mm256_add_epi64(b.low, b.high));
	uint64_t words[4];

	_mm256_storeu_si256((__m256i *)words, all);
	return checksum_plus(sum, words[0] + words[1] + words[2] + words[3]);
}

__attribute__((target("avx2"))) static uint64_t avx2_add(uint64_t sum, const void *data, size_t length)
{
	const uint8_t *at = data;
	struct lanes a = { _mm256_setzero_si256(), _mm256_setzero_si256() }, b = a;

	for (; length >= 64; at += 64, length -= 64) {
		add_lanes(&a, _mm256_loadu_si256((const __m256i *)at));
		add_lanes(&b, _mm256_loadu_si256((const __m256i *)(at + 32)));
	}
	return add_rest(sum_lanes(sum, a, b), at, length);
}

__attribute__((target("avx2"))) static uint64_t avx2_copy(uint64_t sum, void *to, const void *from, size_t length)
{
	const uint8_t *at = from;
	uint8_t *out = to;
	struct lanes a = { _mm256_setzero_si256(), _mm256_setzero_si256() }, b = a;

	for (; length >= 64; at += 64, out += 64, length -= 64) {
		__m256i one = _mm256_loadu_si256((const __m256i *)at);
		__m256i two = _mm256_loadu_si256((const __m256i *)(at + 32));

		_mm256_storeu_si256((__m256i *)out, one);
		_mm256_storeu_si256((__m256i *)(out + 32), two);
		add_lanes(&a, one);
		add_lanes(&b, two);
	}
	return copy_rest(sum_lanes(sum, a, b), out, at, length);
}

static const struct checksum fast = { "avx2", avx2_add, avx2_copy };

static bool has_fast(void)
{
	return __builtin_cpu_supports("avx2");
}

#elif defined(__aarch64__)

/* Pairwise, twice: 16-bit words into 32-bit ones, those into 64-bit lanes. NEON is part of the architecture. */
static inline uint64x2_t add_pairs(uint64x2_t lanes, uint8x16_t value)
{
	return vpadalq_u32(lanes, vpaddlq_u16(vreinterpretq_u16_u8(value)));
}

static inline uint64_t sum_pairs(uint64_t sum, uint64x2_t a, uint64x2_t b)
{
	return checksum_plus(sum, vaddvq_u64(vaddq_u64(a, b)));
}

static uint64_t neon_add(uint64_t sum, const void *data, size_t length)
{
	const uint8_t *at = data;
	uint64x2_t a = vdupq_n_u64(0), b = a;

	for (; length >= 32; at += 32, length -= 32) {
		a = add_pairs(a, vld1q_u8(at));
		b = add_pairs(b, vld1q_u8(at + 16));
	}
	return add_rest(sum_pairs(sum, a, b), at, length);
}

static uint64_t neon_copy(uint64_t sum, void *to, const void *from, size_t length)
{
	const uint8_t *at = from;
	uint8_t *out = to;
	uint64x2_t a = vdupq_n_u64(0), b = a;

	for (; length >= 32; at += 32, out += 32, length -= 32) {
		uint8x16_t one = vld1q_u8(at), two = vld1q_u8(at + 16);

		vst1q_u8(out, one);
		vst1q_u8(out + 16, two);
		a = add_pairs(a, one);
		b = add_pairs(b, two);
	}
	return copy_rest(sum_pairs(sum, a, b), out, at, length);
}

static const struct checksum fast = { "neon", neon_add, neon_copy };

static bool has_fast(void)
{
	return true;
}

#else

static const struct checksum fast = { "scalar", plain_add, plain_copy };

static bool has_fast(void)
{
	return false;
}

#endif

const struct checksum *checksum_choose(bool want_plain)
{
	return want_plain || !has_fast() ? &plain : &fast;
}
