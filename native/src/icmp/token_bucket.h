/*
 * How many packets may be handed up: so many a second, and so many at once. The prober sends a quarter of that at the
 * most.
 */
#ifndef FLANNELD_TOKEN_BUCKET_H
#define FLANNELD_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_RATE 1000u
#define TOKEN_BURST 500u

struct token_bucket {
	uint64_t at;			/* microseconds, of the last look */
	uint64_t tokens;		/* millionths */
};

static inline struct token_bucket token_bucket_full(uint64_t now)
{
	return (struct token_bucket){ .at = now, .tokens = (uint64_t)TOKEN_BURST * 1000000 };
}

/* Whether one more may pass at `now`, which never goes back. */
static inline bool token_bucket_take(struct token_bucket *bucket, uint64_t now)
{
	const uint64_t full = (uint64_t)TOKEN_BURST * 1000000;

	/* A long time fills it, and must not overflow. */
	bucket->tokens += now - bucket->at > full / TOKEN_RATE ? full : (now - bucket->at) * TOKEN_RATE;
	bucket->at = now;
	if (bucket->tokens > full)
		bucket->tokens = full;
	if (bucket->tokens < 1000000)
		return false;
	bucket->tokens -= 1000000;
	return true;
}

#endif
