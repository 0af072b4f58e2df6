/*
 * What one thread works with: its descriptors, its counters, and the options it shares with the others. The two
 * directions (encapsulate.c, decapsulate.c) stand on it; threads are worker.c.
 */
#ifndef FLANNELD_LANE_H
#define FLANNELD_LANE_H

#include "engine.h"

#include "../packet/checksum.h"

#include <sys/uio.h>

struct lane {
	const struct engine_options *options;
	const struct checksum *checksum;
	_Atomic uint32_t *features;	/* shared; a feature only ever goes away */
	const atomic_bool *stopping;
	uint32_t worker;		/* this thread's place in traffic[] of each peer */
	int tun_fd;
	int receive_fd;			/* bound to the port */
	int send_fd;			/* the same, or of a queue of its own */
	int icmp_v4_fd, icmp_v6_fd;	/* raw sockets for ICMP errors; -1: they are written to the device */
	int error;			/* set when the thread cannot go on: -errno */
	const char *error_place;
	_Atomic uint64_t counters[COUNTER_COUNT];	/* written by this thread alone */
};

static inline bool lane_has(const struct lane *lane, uint32_t feature)
{
	return (atomic_load_explicit(lane->features, memory_order_relaxed) & feature) != 0;
}

/* Time to stop: what has been taken in hand is finished, and nothing more is taken. */
static inline bool lane_stops(const struct lane *lane)
{
	return atomic_load_explicit(lane->stopping, memory_order_relaxed);
}

static inline void lane_count(struct lane *lane, enum counter counter, uint64_t by)
{
	count(&lane->counters[counter], by);
}

/* The thread ends after what it is doing. The first reason stands. */
void lane_fail(struct lane *lane, int error, const char *place);

/* Nanoseconds that never go back; read at most once a batch, or for errors. */
uint64_t lane_now(void);

/*
 * Writes one packet to the device. parts[0] is a virtio header, left out where the device has none. Returns 0,
 * -EINVAL where the device does not take what the header says, or another -errno, counted as `packets` lost.
 */
int lane_write_device(struct lane *lane, const struct iovec *parts, int count, uint32_t packets);

#endif
