/*
 * What an engine in a rig has counted.
 */
#include "engine_rig.h"

#include <unistd.h>

uint64_t rig_counter(const struct rig *rig, enum counter counter)
{
	uint64_t counters[COUNTER_COUNT];

	engine_counters(rig->engine, counters);
	return counters[counter];
}

void rig_expect(const struct rig *rig, enum counter counter, uint64_t value)
{
	double until = rig_now_ms() + 5000;

	while (rig_counter(rig, counter) < value && rig_now_ms() < until)
		usleep(200);
	if (rig_counter(rig, counter) != value)
		fprintf(stderr, "counter %d is %llu, not %llu\n", counter, (unsigned long long)rig_counter(rig, counter), (unsigned long long)value);
	CHECK(rig_counter(rig, counter) == value);
}

static uint64_t sum(const struct rig *rig, enum counter from, enum counter to)
{
	uint64_t counters[COUNTER_COUNT], all = 0;

	engine_counters(rig->engine, counters);
	for (int i = from; i <= (int)to; i++)
		all += counters[i];
	return all;
}

uint64_t rig_device_drops(const struct rig *rig)
{
	return sum(rig, COUNTER_DROP_DEVICE_MALFORMED, COUNTER_DROP_SEND_REFUSED);
}

uint64_t rig_udp_drops(const struct rig *rig)
{
	return sum(rig, COUNTER_DROP_OVERRUN, COUNTER_DROP_CONGESTED);
}

struct wanted { uint32_t address; uint64_t *sums; };

static void on_peer(void *context, const struct peer *peer, const uint64_t sums[4])
{
	struct wanted *wanted = context;

	if (peer->ip.low == wanted->address)
		memcpy(wanted->sums, sums, 4 * sizeof(sums[0]));
}

void rig_traffic(const struct rig *rig, unsigned peer, uint64_t sums[4])
{
	struct wanted wanted = { 0x7f000000 + 2 + peer, sums };

	memset(sums, 0, 4 * sizeof(sums[0]));
	engine_peers(rig->engine, on_peer, &wanted);
}
