/*
 * merge.c: streams of many flows, cut, then dropped, doubled, reordered and broken on the way, and merged. The judge
 * is merge_oracle.c; here are the streams, and what must be merged for all the care.
 */
#include "merge_oracle.h"

#include <errno.h>

#define FLOWS 24
#define MOST 400

struct flow {
	struct packet_spec spec;
	uint32_t size;
	int bulk;			/* packets of full size still to come */
};

struct packet { uint8_t data[1600]; size_t length; };

static struct packet stream[2 * MOST];
static const struct checksum *checksum;

static void make_flows(struct rng *rng, struct flow *flows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct flow *f = &flows[i];

		f->spec = packet_random(rng, rng_once_in(rng, 2) ? 4 : 6, (uint8_t[]){ 6, 6, 17, 17, 99 }[rng_below(rng, 5)]);
		f->size = 1 + rng_below(rng, rng_once_in(rng, 3) ? 30 : 1400);
		f->bulk = 0;
		f->spec.extension = rng_once_in(rng, 20);
		f->spec.no_checksum = rng_once_in(rng, 10);
		/* Often between the same nodes as another. */
		if (i > 0 && rng_once_in(rng, 2)) {
			f->spec.version = flows[i - 1].spec.version;
			f->spec.extension = f->spec.version == 6 ? f->spec.extension : 0;
			memcpy(f->spec.source, flows[i - 1].spec.source, 32);
		}
	}
}

/* The next packet of a flow: mostly bulk, now and then anything that a header can say. */
static void make_next(struct rng *rng, struct flow *f, struct packet *ret)
{
	static uint8_t payload[1500];
	struct packet_spec now;
	uint32_t size = f->size;

	if (f->bulk-- <= 0) {
		f->bulk = (int)rng_below(rng, 80);
		size = rng_below(rng, f->size + 2);
		switch (rng_below(rng, 12)) {
		case 0: f->spec.window++; break;
		case 1: f->spec.acknowledgement++; break;
		case 2: f->spec.class ^= (uint8_t)(1u << rng_below(rng, 8)); break;
		case 3: f->spec.ttl = (uint8_t)(1 + rng_below(rng, 255)); break;
		case 4: f->spec.options[rng_below(rng, 40)]++; break;
		case 5: f->spec.label ^= 1; break;
		case 6: f->spec.fragment ^= (uint16_t)(rng_once_in(rng, 2) ? 0x4000 : 0x8000); break;
		case 7: f->spec.urgent ^= 1; break;
		case 8: f->spec.id += 5; break;
		case 9: f->size = 1 + rng_below(rng, 1400); break;
		default: break;
		}
	}
	now = f->spec;
	now.flags = rng_once_in(rng, 30) ? (uint8_t)rng_next(rng) : rng_once_in(rng, 20) ? 0x18 : 0x10;
	if (rng_once_in(rng, 60))
		now.urgent = (uint16_t)rng_next(rng);
	if (rng_once_in(rng, 60) && now.version == 4)
		now.fragment = (uint16_t)rng_next(rng);
	if (rng_once_in(rng, 60) && now.version == 4)
		now.ip_options_length = 4;
	rng_fill(rng, payload, size);
	ret->length = packet_build(ret->data, &now, payload, size);
	f->spec.sequence += size;
	f->spec.id++;
}

/* A bit that the way flipped; every second time the header is made right again, so that it gets as far as merging. */
static void break_one(struct rng *rng, struct packet *p)
{
	p->data[rng_below(rng, (uint32_t)p->length)] ^= (uint8_t)(1u << rng_below(rng, 8));
	if (rng_once_in(rng, 2) && p->data[0] == 0x45 && get16(p->data + 2) <= p->length)
		packet_mend(p->data, false);
}

static size_t make_stream(struct rng *rng, size_t count, unsigned flow_count, bool clean)
{
	struct flow flows[FLOWS];
	unsigned at = 0;

	make_flows(rng, flows, flow_count);
	for (size_t i = 0; i < count; i++) {
		if (rng_once_in(rng, 1 + rng_below(rng, 40)))
			at = rng_below(rng, flow_count);
		make_next(rng, &flows[at], &stream[i]);
	}
	if (clean)
		return count;
	for (size_t i = 0; i < count; i++) {
		if (rng_once_in(rng, 25))
			break_one(rng, &stream[i]);
		if (rng_once_in(rng, 40)) {
			struct packet other = stream[i];
			size_t from = rng_below(rng, (uint32_t)count);

			stream[i] = stream[from];
			stream[from] = other;
		}
		if (rng_once_in(rng, 40))
			stream[i] = stream[rng_below(rng, (uint32_t)count)];
		if (rng_once_in(rng, 40))
			stream[i] = stream[--count];
	}
	return count;
}

static void test_stream(struct rng *rng, bool clean, uint64_t *merged)
{
	static struct merge_oracle oracle;
	size_t count = make_stream(rng, 1 + rng_below(rng, MOST - 1), 1 + rng_below(rng, FLOWS), clean);
	bool both = clean || rng_once_in(rng, 2);

	oracle_init(&oracle, checksum, both || rng_once_in(rng, 2), both || rng_once_in(rng, 2));
	oracle.refuse_one_in = rng_once_in(rng, 3) ? 1 + rng_below(rng, 4) : 0;
	oracle.refusals = rng_from(rng_next(rng));
	for (size_t i = 0; i < count; i++) {
		oracle_give(&oracle, stream[i].data, stream[i].length);
		if (rng_once_in(rng, 100))
			merger_flush(&oracle.merger);
	}
	oracle_judge(&oracle);
	*merged += oracle.merged_writes;
}

/* `count` packets alike of one flow; returns how many writes they became. */
static uint64_t writes_of(int version, uint8_t protocol, int count, uint32_t size, bool broken)
{
	static struct merge_oracle oracle;
	static uint8_t packet[PACKET_ROOM], payload[PACKET_ROOM];
	struct rng rng = rng_from(11);
	struct packet_spec spec = packet_random(&rng, version, protocol);

	spec.options_length = 12;
	oracle_init(&oracle, checksum, true, true);
	for (int i = 0; i < count; i++) {
		size_t length = packet_build(packet, &spec, payload, size);

		if (broken)
			packet[length - 1] ^= 1;
		oracle_give(&oracle, packet, length);
		spec.sequence += size;
		spec.id++;
	}
	oracle_judge(&oracle);
	return oracle.merged_writes + oracle.single_writes;
}

/* For all the care, the plain case must be merged as far as it may. */
static void test_merges(void)
{
	for (int version = 4; version <= 6; version += 2) {
		CHECK(writes_of(version, 6, 44, 1400, false) == 1 && writes_of(version, 17, 44, 1400, false) == 1);
		CHECK(writes_of(version, 6, 1, 1400, false) == 1 && writes_of(version, 17, 2, 1400, false) == 1);
		/* 64 packets, 65,535 bytes. */
		CHECK(writes_of(version, 6, 64, 8, false) == 1 && writes_of(version, 6, 65, 8, false) == 2);
		CHECK(writes_of(version, 17, 64, 8, false) == 1 && writes_of(version, 17, 128, 8, false) == 2);
		CHECK(writes_of(version, 6, 2, 32000, false) == 1 && writes_of(version, 6, 2, 33000, false) == 2);
		CHECK(writes_of(version, 6, 44, 1400, true) == 44 && writes_of(version, 17, 44, 1400, true) == 44);
		/* Nothing inside, nothing to merge. */
		CHECK(writes_of(version, 6, 10, 0, false) == 10 && writes_of(version, 17, 10, 0, false) == 10);
	}
}

int main(int argc, char **argv)
{
	struct rng rng = rng_of_arguments(argc, argv);
	uint64_t merged = 0;

	checksum = checksum_choose(false);
	test_merges();
	for (int round = 0; round < 150; round++)
		test_stream(&rng, round % 3 == 0, &merged);
	/* The streams are such that there is something to judge. */
	CHECK(merged > 200);
	return 0;
}
