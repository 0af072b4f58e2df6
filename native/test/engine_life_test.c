/*
 * The life of an engine: routes exchanged under traffic lose nothing, stopping is quick whatever goes on, a device that
 * ends is told of once, and what cannot be opened says so and leaves nothing behind.
 */
#include "engine_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a stop may take; the sanitizers are the reason that it is not 100. */
#define STOP_MS 500

static struct rng rng;

struct exchange { struct rig *rig; _Atomic bool over; };

/* Packets in both directions, paced by what came out. */
static void *carry(void *argument)
{
	struct exchange *exchange = argument;
	static uint8_t out[2000], in[2000], got[PACKET_ROOM], payload[500];
	struct rng own = rng_from(5);
	struct virtio_net_hdr virtio;

	for (int round = 0; round < 3000; round++) {
		struct packet_spec spec = packet_random(&own, round % 2 ? 4 : 6, 17);
		size_t length;

		rig_address(&spec, 0, 1);
		length = packet_build(out, &spec, payload, rng_below(&own, 500));
		rig_device_send(exchange->rig, 0, NULL, out, length);
		CHECK(rig_udp_receive(exchange->rig, 0, got, NULL, 5000) == (int)length);
		rig_address(&spec, 1, 0);
		length = packet_build(in, &spec, payload, rng_below(&own, 500));
		rig_udp_send(exchange->rig, 0, 0, 0, in, length);
		CHECK(rig_device_receive(exchange->rig, &virtio, got, 5000) == (int)length);
	}
	exchange->over = true;
	return NULL;
}

static void test_exchange(bool split)
{
	struct exchange exchange;
	uint64_t sums[4], exchanged = 0;
	pthread_t thread;
	struct rig rig;

	rig_init(&rig);
	rig.options.split = split;
	rig.options.filter = FILTER_STRICT;
	rig.options.spin_ns = split ? 50000 : 0;
	rig_open(&rig);
	exchange = (struct exchange){ .rig = &rig };
	CHECK(pthread_create(&thread, NULL, carry, &exchange) == 0);
	/* Peer 0 stays in all of them; its numbers must go on. */
	while (!exchange.over) {
		rig_set_routes(&rig, 1 + rng_below(&rng, RIG_PEERS));
		rig_traffic(&rig, 0, sums);
		exchanged++;
	}
	pthread_join(thread, NULL);
	rig_expect(&rig, COUNTER_DEVICE_WRITES, 3000);
	rig_expect(&rig, COUNTER_SENT_PACKETS, 3000);
	rig_traffic(&rig, 0, sums);
	CHECK(sums[0] == 3000 && sums[2] == 3000 && rig_device_drops(&rig) == 0 && rig_udp_drops(&rig) == 0);
	printf("%llu generations\n", (unsigned long long)exchanged);
	CHECK(exchanged > 100);
	rig_close(&rig);
	rig_destroy(&rig);
}

static void fill_device(struct rig *rig, const struct virtio_net_hdr *virtio, const uint8_t *packet, size_t length)
{
	uint8_t *all = malloc(sizeof(*virtio) + length);

	CHECK(all != NULL);
	memcpy(all, virtio, sizeof(*virtio));
	memcpy(all + sizeof(*virtio), packet, length);
	for (int i = 0; i < 200 && send(rig->device[0], all, sizeof(*virtio) + length, MSG_DONTWAIT) > 0; i++)
		continue;
	free(all);
}

/* Idle, spinning, and with super-packets of very many pieces waiting. */
static void test_stop(void)
{
	static uint8_t packet[PACKET_ROOM], payload[PACKET_ROOM];
	double slowest = 0;

	for (int round = 0; round < 8; round++) {
		struct virtio_net_hdr virtio = { .flags = 1, .gso_type = 1, .gso_size = round % 2 ? 1400 : 8, .csum_start = 20, .csum_offset = 16 };
		struct packet_spec spec = packet_random(&rng, 4, 6);
		struct rig rig;
		double took;

		rig_init(&rig);
		rig.options.split = round % 4 == 1;
		rig.options.queues = 1 + (uint32_t)round / 4;
		rig.options.spin_ns = round == 0 ? 2000000000 : 0;
		rig_open(&rig);
		rig_address(&spec, 0, 1);
		fill_device(&rig, &virtio, packet, packet_build(packet, &spec, payload, 60000));
		usleep(rng_below(&rng, 20000));
		took = rig_close(&rig);
		slowest = took > slowest ? took : slowest;
		CHECK(rig.failures == 0);
		rig_destroy(&rig);
	}
	printf("slowest stop: %.1f ms\n", slowest);
	CHECK(slowest < STOP_MS);
}

/* The other end of the device goes away: told once, however many threads notice, and then it is quiet. */
static void test_device_ends(bool split, uint32_t queues)
{
	double until = rig_now_ms() + 2000;
	struct rig rig;

	rig_init(&rig);
	rig.options.split = split;
	rig.options.queues = queues;
	rig_open(&rig);
	for (uint32_t i = 0; i < queues; i++) {
		close(rig.device[i]);
		rig.device[i] = -1;
	}
	while (rig.failures == 0 && rig_now_ms() < until)
		usleep(500);
	usleep(20000);
	CHECK(rig.failures == 1 && rig.error < 0 && rig.place != NULL && strlen(rig.place) > 5);
	CHECK(rig_counter(&rig, COUNTER_DEVICE_READS) == 0);
	CHECK(rig_close(&rig) < STOP_MS);
	rig_destroy(&rig);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* The port is somebody else's, even of one who would share it; no address; no queues. */
static void test_refusals(void)
{
	const struct engine_callbacks callbacks = { 0 };
	struct engine *engine = NULL;
	const char *place = NULL;
	int fd = open("/dev/null", O_RDWR), given, before;
	struct rig rig;

	rig_init(&rig);
	before = open_descriptors();
	/* The descriptor is the engine's, and closed with it, however it ends. */
	rig.options.source.low = 0x7f000002;
	given = dup(fd);
	CHECK(engine_open_over(&engine, &rig.options, &callbacks, &given, 0, &place) == -EADDRINUSE && strstr(place, "UDP"));
	rig.options.source.low = 0x01020304;
	given = dup(fd);
	CHECK(engine_open_over(&engine, &rig.options, &callbacks, &given, 0, &place) == -EADDRNOTAVAIL);
	rig.options.source.low = 0x7f000001;
	rig.options.queues = 0;
	CHECK(engine_open_over(&engine, &rig.options, &callbacks, &fd, 0, &place) == -EINVAL);
	rig.options.queues = MAX_QUEUES + 1;
	CHECK(engine_open_over(&engine, &rig.options, &callbacks, &fd, 0, &place) == -EINVAL);
	CHECK(engine == NULL && open_descriptors() == before);
	close(fd);
	rig_destroy(&rig);
}

int main(int argc, char **argv)
{
	rng = rng_of_arguments(argc, argv);
	test_exchange(false);
	test_exchange(true);
	test_stop();
	for (int shape = 0; shape < 4; shape++)
		test_device_ends(shape % 2 == 1, 1 + (uint32_t)shape / 2);
	test_refusals();
	return 0;
}
