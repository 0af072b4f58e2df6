/*
 * The packet engine: TUN device on one side, UDP on the other, threads of its own in between. Options go in once,
 * routes as whole generations, counters come out; packets never wait for any of it. Errors are -errno; nothing is
 * printed. Threads, memory and lifetime: ../../README.md.
 */
#ifndef FLANNELD_ENGINE_H
#define FLANNELD_ENGINE_H

#include "features.h"
#include "generation.h"

#include "../packet/counters.h"

#define MAX_QUEUES 16
#define MAX_OWN 8
#define MAX_DEVICE_NAME 16

enum engine_filter { FILTER_OFF, FILTER_ON, FILTER_STRICT };

struct engine_options {
	char device[MAX_DEVICE_NAME];
	unsigned device_index;
	bool multi_queue;
	uint8_t outer_version;		/* 4 or 6 */
	struct ip_address source;	/* outer */
	uint16_t port;
	uint16_t mtu;			/* of the device */
	struct ip_address icmp_v4, icmp_v6;	/* whom ICMP errors come from; all zero for none of that family */
	struct prefix own[MAX_OWN];
	size_t own_count;
	enum engine_filter filter;
	uint32_t queues;		/* 1 to MAX_QUEUES */
	bool split;			/* a thread for each direction of a queue, instead of one for both */
	uint32_t spin_ns;		/* how long a thread looks for more before it sleeps */
	uint32_t features;		/* those that may be used */
};

struct engine_callbacks {
	/*
	 * On a thread of the engine, which ends after it: -errno and what it was doing, static text. -EBADFD from the
	 * device means that it was deleted. Called once: other threads that fail end silently.
	 */
	void (*failed)(void *context, int error, const char *place);
	void *context;
};

struct engine;

/*
 * Opens device and socket and starts the threads; without a generation every packet is dropped as one without a
 * route, or a stranger's. Returns 0 and *ret, or -errno and in *ret_place what failed, static text.
 */
int engine_open(struct engine **ret, const struct engine_options *options, const struct engine_callbacks *callbacks,
		const char **ret_place);

/*
 * For tests: the same over descriptors that are there, a TUN or something alike per queue. They are the engine's from
 * then on, and closed with it, also when it cannot be opened (but for -EINVAL of `queues`, which says how many there are).
 */
int engine_open_over(struct engine **ret, const struct engine_options *options,
		     const struct engine_callbacks *callbacks, const int *tun_fds, uint32_t tun_features,
		     const char **ret_place);

/* Replaces the routes by these records (generation.h). Returns 0 or -errno, and then the former ones stay. */
int engine_set_routes(struct engine *engine, const uint8_t *records, size_t count);

/* What is in use of the features: what was wanted, was there when it opened, and has not failed since. */
uint32_t engine_features(const struct engine *engine);

/* Sums over all threads, by enum counter. */
void engine_counters(const struct engine *engine, uint64_t counters[COUNTER_COUNT]);

/* Calls back for each peer of the current generation. `sums` has only what peers have: four numbers. */
void engine_peers(const struct engine *engine,
		  void (*each)(void *context, const struct peer *peer, const uint64_t sums[4]), void *context);

/*
 * Stops the threads, waits for them, closes everything and frees the engine. The device stays, and so do its routes.
 * Not on a thread of the engine.
 */
void engine_close(struct engine *engine);

#endif
