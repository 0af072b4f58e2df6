/*
 * Random bytes into everything that reads packets, in buffers of exactly their size: whatever is said about them,
 * nobody looks beyond their end or writes where he may not. Says nothing about what is right.
 */
#include "../src/dataplane/icmp_limiter.h"
#include "../src/packet/cut.h"
#include "../src/packet/fragment.h"
#include "../src/packet/icmp.h"

#include "merge_oracle.h"

/* Often with a beginning that is taken for a packet, so that it comes further than the first question. */
static size_t make(struct rng *rng, uint8_t *data)
{
	size_t length = rng_below(rng, rng_once_in(rng, 20) ? 65536 : rng_once_in(rng, 2) ? 120 : 2000);

	rng_fill(rng, data, length);
	if (length >= 40 && !rng_once_in(rng, 4)) {
		bool v4 = rng_once_in(rng, 2);

		data[0] = v4 ? (uint8_t)(0x40 + (rng_once_in(rng, 3) ? 5 + rng_below(rng, 11) : 5)) : 0x60;
		data[v4 ? 9 : 6] = (uint8_t[]){ 1, 6, 6, 17, 17, 58, 0, 43, 44, 60 }[rng_below(rng, 10)];
		put16(data + (v4 ? 2 : 4), (uint32_t)(length - (v4 ? 0 : 40) - (rng_once_in(rng, 4) ? rng_below(rng, 8) : 0)));
		if (v4 && rng_once_in(rng, 2))
			put16(data + 6, rng_once_in(rng, 2) ? 0x4000 : 0);
		if (v4 && (size_t)(data[0] & 15) * 4 <= length)
			packet_mend(data, false);
	}
	return length;
}

static void wild_cut(struct rng *rng, const uint8_t *packet, const struct ip_packet *ip)
{
	struct virtio_net_hdr virtio;
	struct cutter cutter;
	uint32_t length, pieces = 0;
	uint8_t *out;

	rng_fill(rng, &virtio, sizeof(virtio));
	virtio.gso_type = (uint8_t[]){ 0, 1, 4, 5, 0x81, 0x84, 3, 77 }[rng_below(rng, 8)];
	if (rng_once_in(rng, 2))
		virtio.csum_start = ip->header;
	if (rng_once_in(rng, 2))
		virtio.csum_offset = (uint16_t)rng_below(rng, 30);
	virtio.flags |= rng_once_in(rng, 4) ? 0 : 1;
	if (!cut_begin(&cutter, checksum_choose(rng_once_in(rng, 2)), &virtio, packet, ip))
		return;
	CHECK(cut_longest(&cutter) <= 65535);
	out = malloc(cut_longest(&cutter));
	CHECK(out != NULL);
	while ((length = cut_next(&cutter, out)) > 0 && pieces++ < 200)
		CHECK(length <= cut_longest(&cutter));
	free(out);
}

static void wild_rest(struct rng *rng, uint8_t *packet, const struct ip_packet *ip)
{
	uint32_t mtu = rng_below(rng, 1600);
	uint8_t *out = malloc(ICMP_LONGEST);
	struct icmp_limiter limiter = { 0 };
	struct fragmenter fragmenter;
	size_t length;

	CHECK(out != NULL);
	(void)icmp_may_answer(ip, packet);
	(void)icmp_limiter_allows(&limiter, ICMP_TOO_BIG, ip, packet, 1);
	CHECK(icmp_write(out, (enum icmp_error)rng_below(rng, 3), 1400, ip->destination, ip, packet) <= ICMP_LONGEST);
	free(out);
	if (fragment_begin(&fragmenter, packet, ip, mtu)) {
		out = malloc(mtu);
		CHECK(out != NULL);
		while ((length = fragment_next(&fragmenter, out)) > 0)
			CHECK(length <= mtu);
		free(out);
	}
	if (ip->hop_limit > 0)
		ip_decrement(packet);
	ip_set_ecn(packet, (uint8_t)rng_below(rng, 4));
}

int main(int argc, char **argv)
{
	static uint8_t data[PACKET_ROOM];
	static struct merge_oracle oracle;
	struct rng rng = rng_of_arguments(argc, argv);
	int packets = 0;

	oracle_init(&oracle, checksum_choose(false), true, true);
	for (int round = 1; round <= 20000; round++) {
		size_t length = make(&rng, data);
		uint8_t *copy = exact_copy(data, length);
		struct ip_packet ip;

		if (ip_parse(&ip, copy, length, rng_once_in(&rng, 2)) == IP_FINE) {
			CHECK(ip.length <= length && ip.header <= ip.length);
			packets++;
			wild_cut(&rng, copy, &ip);
			wild_rest(&rng, copy, &ip);
		}
		free(copy);
		oracle_give(&oracle, data, length);
		if (round % 100 == 0)
			oracle_judge(&oracle);
	}
	CHECK(packets > 1000);
	return 0;
}
