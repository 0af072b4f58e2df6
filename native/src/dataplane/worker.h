/*
 * One thread of the engine: carries one direction of a queue or both, sleeps when there is nothing, ends when told or
 * when it cannot go on. Which generation it works with, and when that may be freed, is settled here.
 */
#ifndef FLANNELD_WORKER_H
#define FLANNELD_WORKER_H

#include "decapsulate.h"
#include "encapsulate.h"

#include <pthread.h>

/* What all threads of an engine share. */
struct crew {
	struct engine_options options;
	struct engine_callbacks callbacks;
	const struct checksum *checksum;
	_Atomic uint32_t features;
	_Atomic(struct generation *) current;
	atomic_bool stopping;
	atomic_bool failed;		/* somebody told why */
	int wake;			/* eventfd; readable from the moment of the stop on */
	int icmp_v4_fd, icmp_v6_fd;	/* -1 for none */
};

struct worker {
	struct crew *crew;
	struct lane lane;
	bool encapsulates, decapsulates;
	/* The generation in use; one that stands here is not freed. NULL while it sleeps. */
	_Atomic(struct generation *) using;
	struct encapsulator encapsulator;
	struct decapsulator decapsulator;
	pthread_t thread;
};

/* What a worker is to do: descriptors and directions. */
struct duty {
	uint32_t number;
	int tun_fd, receive_fd, send_fd;
	bool encapsulates, decapsulates;
};

/* Makes a worker and starts its thread. Returns 0 and *ret, or -errno. */
int worker_start(struct worker **ret, struct crew *crew, const struct duty *duty);

/* Waits for the thread, which has been told to stop, and frees the worker. The descriptors are the caller's. */
void worker_join(struct worker *worker);

#endif
