/*
 * An engine without Node, for as long as one likes, under random traffic from both sides in every configuration:
 *   engine_harness [--tun] [seconds] [seed]
 * Over sockets, or with --tun over a real device. Each round begins with traffic that is counted to the last packet.
 */
#include "engine_harness.h"

#include <unistd.h>

void harness_configure(struct rig *rig, unsigned round)
{
	unsigned off = round % (FEATURE_COUNT + 2);

	rig->options.features = off > FEATURE_COUNT ? FEATURE_VNET_HDR : RIG_ALL_FEATURES & ~(off == 0 ? 0 : 1u << (off - 1));
	rig->options.queues = 1 + round / 2 % 2;
	rig->options.split = round % 2 == 1;
	rig->options.filter = (enum engine_filter)(round % 3);
	rig->options.spin_ns = round % 4 == 3 ? 50000 : 0;
}

static void *change_routes(struct rig *rig, struct rng *rng, int ms, uint64_t *generations)
{
	double until = rig_now_ms() + ms;
	uint64_t sums[4];

	while (rig_now_ms() < until) {
		rig_set_routes(rig, rng_below(rng, RIG_PEERS + 1));
		rig_traffic(rig, rng_below(rng, RIG_PEERS), sums);
		(void)rig_udp_drops(rig);
		(void)engine_features(rig->engine);
		(*generations)++;
		if (rng_once_in(rng, 20))
			usleep(1000);
	}
	return NULL;
}

void harness_rage(struct rig *rig, struct rng *rng, void (*feed)(struct wild *, struct rng *), int ms, struct totals *totals)
{
	struct wild wild = { .rig = rig, .seed = rng_next(rng), .feed_device = feed };
	double took;

	wild_start(&wild);
	(void)change_routes(rig, rng, ms, &totals->generations);
	took = rig_close(rig);
	wild_stop(&wild);
	totals->slowest_stop = took > totals->slowest_stop ? took : totals->slowest_stop;
	totals->into_device += wild.into_device;
	totals->into_udp += wild.into_udp;
	totals->out_of_device += wild.out_of_device;
	totals->out_of_udp += wild.out_of_udp;
	CHECK(took < STOP_MS);
}

/* ---- over sockets ---- */

static void feed_sockets(struct wild *wild, struct rng *rng)
{
	static __thread uint8_t packet[PACKET_ROOM];
	size_t length = wild_packet(rng, packet, 0, (uint8_t)rng_below(rng, RIG_PEERS + 2));
	struct virtio_net_hdr virtio = wild_virtio(rng, packet, length);

	rig_device_send(wild->rig, rng_below(rng, wild->rig->options.queues), &virtio, packet, length);
}

/* Packets that fit, one by one: each is sent or dropped for one reason, and what was sent arrived. */
static void count_out(struct rig *rig, struct rng *rng)
{
	static uint8_t packet[PACKET_ROOM];
	struct wild wild = { .rig = rig };
	uint64_t sent;

	for (unsigned i = 1; i <= 300; i++) {
		size_t length = wild_packet(rng, packet, 0, (uint8_t)rng_below(rng, RIG_PEERS + 2));

		rig_device_send(rig, rng_below(rng, rig->options.queues), NULL, packet, length > RIG_MTU ? RIG_MTU : length);
		if (i % 30 != 0)
			continue;
		rig_expect(rig, COUNTER_DEVICE_READS, i);
		wild_drain_udp(&wild);
	}
	for (int wait = 0; wait < 3000 && (sent = rig_counter(rig, COUNTER_SENT_PACKETS)) + rig_device_drops(rig) < 300; wait++)
		usleep(1000);
	usleep(1000);
	wild_drain_udp(&wild);
	sent = rig_counter(rig, COUNTER_SENT_PACKETS);
	CHECK(sent + rig_device_drops(rig) == 300 && wild.out_of_udp == sent && sent > 100);
	wild_drain_device(&wild);
	CHECK(wild.out_of_device == rig_counter(rig, COUNTER_ICMP_SENT));
}

static void count_in(struct rig *rig, struct rng *rng)
{
	struct wild wild = { .rig = rig };
	uint64_t before = rig_counter(rig, COUNTER_ICMP_SENT), given = 0, let_in = 0;

	CHECK(before <= 300);
	for (unsigned i = 1; i <= 100; i++) {
		given += wild_datagram(rig, rng);
		for (int wait = 0; wait < 5000; wait++) {
			let_in = rig_counter(rig, COUNTER_RECEIVED_PACKETS);
			if (let_in + rig_udp_drops(rig) >= given)
				break;
			usleep(200);
		}
		if (let_in + rig_udp_drops(rig) != given)
			fprintf(stderr, "%llu given, %llu let in, %llu dropped\n", (unsigned long long)given, (unsigned long long)let_in,
				(unsigned long long)rig_udp_drops(rig));
		CHECK(let_in + rig_udp_drops(rig) == given);
		wild_drain_device(&wild);
	}
	for (int wait = 0; wait < 1000 && wild.out_of_device + rig_counter(rig, COUNTER_DROP_DEVICE_REFUSED) < let_in; wait++) {
		usleep(1000);
		wild_drain_device(&wild);
	}
	CHECK(wild.out_of_device + rig_counter(rig, COUNTER_DROP_DEVICE_REFUSED) == let_in);
}

static void harness_sockets(struct rng *rng, double until, struct totals *totals)
{
	struct rig rig;

	rig_init(&rig);
	for (unsigned round = 0; rig_now_ms() < until; round++) {
		harness_configure(&rig, round);
		rig_open(&rig);
		count_out(&rig, rng);
		count_in(&rig, rng);
		harness_rage(&rig, rng, feed_sockets, 60 + (int)rng_below(rng, 100), totals);
		totals->rounds++;
		/* What the last round left in the peers' sockets is not of the next. */
		for (unsigned i = 0; i < 3; i++) {
			struct wild rest = { .rig = &rig };

			wild_drain_udp(&rest);
		}
	}
	CHECK(rig.failures == 0);
	rig_destroy(&rig);
}

int main(int argc, char **argv)
{
	bool tun = argc > 1 && strcmp(argv[1], "--tun") == 0;
	double seconds;
	struct totals totals = { 0 };
	struct rng rng;

	argc -= tun;
	argv += tun;
	seconds = argc > 1 ? atof(argv[1]) : 3;
	rng = rng_of_arguments(argc - (argc > 1), argv + (argc > 1));
	(tun ? harness_tun : harness_sockets)(&rng, rig_now_ms() + 1e3 * seconds, &totals);
	printf("%u rounds, %llu generations, into the device %llu, at the port %llu, out of the device %llu, at the peers %llu, slowest stop %.0f ms\n",
	       totals.rounds, (unsigned long long)totals.generations, (unsigned long long)totals.into_device,
	       (unsigned long long)totals.into_udp, (unsigned long long)totals.out_of_device,
	       (unsigned long long)totals.out_of_udp, totals.slowest_stop);
	return 0;
}
