/*
 * Opening and closing the engine, exchanging generations, adding up counters. All of it runs on the thread that opened
 * it (JavaScript's); the packets' threads are worker.c.
 */
#define _GNU_SOURCE /* mmsghdr */
#include "engine.h"

#include "icmp_socket.h"
#include "tun_queue.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DEVICE_FEATURES (FEATURE_VNET_HDR | FEATURE_TSO | FEATURE_USO)
#define SOCKET_FEATURES (FEATURE_UDP_GSO | FEATURE_UDP_GRO)
/* What needs nothing of the kernel that Linux 3.0 has not. */
#define OWN_FEATURES (FEATURE_MERGE | FEATURE_MMSG | FEATURE_SIMD)

struct engine {
	struct crew crew;
	int tun_fds[MAX_QUEUES];
	int receive_fds[MAX_QUEUES];
	int send_fds[MAX_QUEUES];	/* the first is receive_fds[0] */
	uint32_t tun_count, receive_count, send_count;
	struct worker *workers[MAX_WORKERS];
	uint32_t worker_count;
	struct generation *retired;	/* replaced, and perhaps still in use */
};

/* ---- opening ---- */

/* Attaches to the device, unless queues were given. */
static int open_device(struct engine *engine, uint32_t given, uint32_t *features)
{
	const struct engine_options *options = &engine->crew.options;
	const struct tun_options tun = {
		.name = options->device,
		.index = options->device_index,
		.multi_queue = options->multi_queue,
		.wanted = options->features & DEVICE_FEATURES,
	};
	uint32_t found = given;
	int result;

	if (engine->tun_count == 0) {
		result = tun_attach(&tun, options->queues, engine->tun_fds, &found);
		if (result < 0)
			return result;
		engine->tun_count = options->queues;
		/* Without them errors are written to the device, from where only some kernels deliver them. */
		engine->crew.icmp_v4_fd = icmp_socket_open(4);
		engine->crew.icmp_v6_fd = icmp_socket_open(6);
	}
	*features |= found & options->features & DEVICE_FEATURES;
	return 0;
}

/*
 * The first queue sends from the port it receives on, as upstream does. The others send from ports of their own: the
 * peer's kernel spreads senders over its sockets by address and port, so that flows of one queue here stay together,
 * and in order, in one queue there.
 */
static int open_sockets(struct engine *engine, uint32_t *features)
{
	const struct engine_options *options = &engine->crew.options;
	struct udp_options udp = {
		.version = options->outer_version,
		.source = options->source,
		.port = options->port,
		.wanted = options->features & SOCKET_FEATURES,
	};
	uint32_t found, ignored;
	int result = udp_open(&udp, options->queues, engine->receive_fds, &found);

	if (result < 0)
		return result;
	*features |= found;
	engine->receive_count = options->queues;
	engine->send_fds[0] = engine->receive_fds[0];
	engine->send_count = 1;
	udp.port = 0;
	udp.wanted = options->features & FEATURE_UDP_GSO;
	while (engine->send_count < options->queues) {
		result = udp_open(&udp, 1, &engine->send_fds[engine->send_count], &ignored);
		if (result < 0)
			return result;
		engine->send_count++;
	}
	return 0;
}

static int start_worker(struct engine *engine, uint32_t queue, bool encapsulates, bool decapsulates)
{
	const struct duty duty = {
		.number = engine->worker_count,
		.tun_fd = engine->tun_fds[queue],
		.receive_fd = engine->receive_fds[queue],
		.send_fd = engine->send_fds[queue],
		.encapsulates = encapsulates,
		.decapsulates = decapsulates,
	};
	int result = worker_start(&engine->workers[engine->worker_count], &engine->crew, &duty);

	if (result == 0)
		engine->worker_count++;
	return result;
}

static int start_workers(struct engine *engine)
{
	const struct engine_options *options = &engine->crew.options;
	int result = 0;

	for (uint32_t queue = 0; queue < options->queues && result == 0; queue++) {
		result = start_worker(engine, queue, true, !options->split);
		if (options->split && result == 0)
			result = start_worker(engine, queue, false, true);
	}
	return result;
}

static int open_all(struct engine *engine, uint32_t tun_features, const char **ret_place)
{
	uint32_t features = engine->crew.options.features & OWN_FEATURES;
	int result;

	*ret_place = "open an eventfd";
	engine->crew.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (engine->crew.wake < 0)
		return -errno;
	/* The socket first: of two engines only one can have it, and the other must leave the device alone. */
	*ret_place = "open the UDP socket";
	result = open_sockets(engine, &features);
	if (result < 0)
		return result;
	*ret_place = "attach to the TUN device";
	result = open_device(engine, tun_features, &features);
	if (result < 0)
		return result;
	/* Without its header the device neither takes nor hands over what the others make. */
	if ((features & FEATURE_VNET_HDR) == 0)
		features &= ~(uint32_t)(FEATURE_TSO | FEATURE_USO | FEATURE_MERGE);
	engine->crew.features = features;
	engine->crew.checksum = checksum_choose((features & FEATURE_SIMD) == 0);
	*ret_place = "start a thread";
	return start_workers(engine);
}

int engine_open_over(struct engine **ret, const struct engine_options *options,
		     const struct engine_callbacks *callbacks, const int *tun_fds, uint32_t tun_features,
		     const char **ret_place)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int result;

	*ret_place = "open the engine";
	if (engine == NULL)
		return -ENOMEM;
	engine->crew.options = *options;
	engine->crew.callbacks = *callbacks;
	engine->crew.wake = engine->crew.icmp_v4_fd = engine->crew.icmp_v6_fd = -1;
	if (options->queues < 1 || options->queues > MAX_QUEUES) {
		result = -EINVAL;
	} else {
		engine->tun_count = tun_fds == NULL ? 0 : options->queues;
		for (uint32_t i = 0; i < engine->tun_count; i++)
			engine->tun_fds[i] = tun_fds[i];
		result = open_all(engine, tun_features, ret_place);
	}
	if (result < 0)
		engine_close(engine);
	else
		*ret = engine;
	return result;
}

int engine_open(struct engine **ret, const struct engine_options *options, const struct engine_callbacks *callbacks,
		const char **ret_place)
{
	return engine_open_over(ret, options, callbacks, NULL, 0, ret_place);
}

/* ---- generations ---- */

static bool is_used(const struct engine *engine, const struct generation *generation)
{
	for (uint32_t i = 0; i < engine->worker_count; i++)
		if (atomic_load(&engine->workers[i]->using) == generation)
			return true;
	return false;
}

/* Frees what no thread uses any more. What is used now is looked at again when the routes change next. */
static void reclaim(struct engine *engine)
{
	struct generation **link = &engine->retired;

	while (*link != NULL) {
		struct generation *generation = *link;

		if (is_used(engine, generation)) {
			link = &generation->next;
		} else {
			*link = generation->next;
			generation_free(generation);
		}
	}
}

int engine_set_routes(struct engine *engine, const uint8_t *records, size_t count)
{
	const struct engine_options *options = &engine->crew.options;
	const struct generation_options for_generation = {
		.port = options->port,
		.workers = engine->worker_count,
		.own = options->own,
		.own_count = options->own_count,
		.outer_version = options->outer_version,
	};
	struct generation *before = atomic_load(&engine->crew.current), *next;
	int result = generation_new(&next, &for_generation, records, count, before);

	if (result < 0)
		return result;
	atomic_store(&engine->crew.current, next);
	if (before != NULL) {
		before->next = engine->retired;
		engine->retired = before;
	}
	reclaim(engine);
	return 0;
}

/* ---- what it tells ---- */

uint32_t engine_features(const struct engine *engine)
{
	return atomic_load_explicit(&engine->crew.features, memory_order_relaxed);
}

void engine_counters(const struct engine *engine, uint64_t counters[COUNTER_COUNT])
{
	for (int counter = 0; counter < COUNTER_COUNT; counter++) {
		counters[counter] = 0;
		for (uint32_t i = 0; i < engine->worker_count; i++)
			counters[counter] += atomic_load_explicit(&engine->workers[i]->lane.counters[counter],
								  memory_order_relaxed);
	}
}

void engine_peers(const struct engine *engine,
		  void (*each)(void *context, const struct peer *peer, const uint64_t sums[4]), void *context)
{
	const struct generation *generation = atomic_load(&engine->crew.current);
	uint64_t sums[4];

	for (uint32_t i = 0; generation != NULL && i < generation->peer_count; i++) {
		peer_sum(generation->peers[i], sums);
		each(context, generation->peers[i], sums);
	}
}

/* ---- closing ---- */

static void close_all(const int *fds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void engine_close(struct engine *engine)
{
	struct generation *current;

	atomic_store(&engine->crew.stopping, true);
	/* Nobody reads it, so it wakes every thread, also one that is not waiting yet. */
	if (engine->crew.wake >= 0)
		(void)eventfd_write(engine->crew.wake, 1);
	for (uint32_t i = 0; i < engine->worker_count; i++)
		worker_join(engine->workers[i]);
	engine->worker_count = 0;
	/* Only now: a thread must never see a descriptor that has become somebody else's. */
	close_all(engine->tun_fds, engine->tun_count);
	close_all(engine->receive_fds, engine->receive_count);
	if (engine->send_count > 1)
		close_all(engine->send_fds + 1, engine->send_count - 1);
	close_all((int[]){ engine->crew.wake, engine->crew.icmp_v4_fd, engine->crew.icmp_v6_fd }, 3);
	current = atomic_load(&engine->crew.current);
	if (current != NULL)
		generation_free(current);
	reclaim(engine);
	free(engine);
}
