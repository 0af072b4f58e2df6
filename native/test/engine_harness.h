/*
 * The two worlds of the harness, and what they share.
 */
#ifndef FLANNELD_TEST_ENGINE_HARNESS_H
#define FLANNELD_TEST_ENGINE_HARNESS_H

#include "engine_wild.h"

/* What a stop may take; 100 ms without the sanitizers. */
#define STOP_MS 500

struct totals { unsigned rounds; double slowest_stop; uint64_t generations, into_device, into_udp, out_of_device, out_of_udp; };

/* The next configuration: each feature off in turn, queues, threads, filter. */
void harness_configure(struct rig *rig, unsigned round);

/* Lets it rage for a while, routes and counters in use, then closes the engine in the midst of it. */
void harness_rage(struct rig *rig, struct rng *rng, void (*feed)(struct wild *, struct rng *), int ms, struct totals *totals);

/* The world of a real TUN device, in a network namespace of its own. Ends the program where it may not have one. */
void harness_tun(struct rng *rng, double until, struct totals *totals);

#endif
