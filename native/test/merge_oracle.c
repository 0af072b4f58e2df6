/*
 * The judge of merge.c.
 */
#include "merge_oracle.h"

#include <errno.h>

/* ---- the two lists ---- */

static uint64_t mix(uint64_t hash, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* By the fields a router would look at, not by asking what is tested. */
static void classify(struct oracle_packet *p)
{
	const uint8_t *d = p->data;
	bool v4 = d[0] >> 4 == 4;
	size_t header = v4 ? (size_t)(d[0] & 15) * 4 : 40;
	uint8_t protocol = v4 ? d[9] : d[6];

	p->nodes = mix(v4 ? 4 : 6, v4 ? d + 12 : d + 8, v4 ? 8 : 32);
	p->ports = 0;
	if ((protocol == 6 || protocol == 17) && p->length >= header + 4 && !(v4 && (get16(d + 6) & 0x3fff) != 0))
		p->ports = mix(protocol, d + header, 4) | 1;
}

static void append(struct oracle_list *list, const uint8_t *packet, size_t length)
{
	struct oracle_packet *p;

	if (list->count == list->room) {
		list->room = list->room == 0 ? 256 : 2 * list->room;
		list->list = realloc(list->list, list->room * sizeof(*list->list));
		CHECK(list->list != NULL);
	}
	p = &list->list[list->count++];
	p->data = exact_copy(packet, length);
	p->length = length;
	classify(p);
}

static void forget(struct oracle_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->list[i].data);
	free(list->list);
	*list = (struct oracle_list){ 0 };
}

/* ---- the device ---- */

static void on_leaving(void *context, const uint8_t *packet, size_t length)
{
	struct merge_oracle *oracle = context;

	append(&oracle->written, packet, length);
}

static int on_write(void *context, const struct iovec *parts, int count, uint32_t packets)
{
	struct merge_oracle *oracle = context;
	static uint8_t all[PACKET_ROOM + 100];
	size_t length = 0, before = oracle->written.count;
	struct virtio_net_hdr virtio;

	CHECK(count >= 2 && count <= 2 + MERGE_PACKETS && parts[0].iov_len == sizeof(virtio) && packets >= 1);
	memcpy(&virtio, parts[0].iov_base, sizeof(virtio));
	for (int i = 1; i < count; i++) {
		CHECK(length + parts[i].iov_len <= 65535);
		memcpy(all + length, parts[i].iov_base, parts[i].iov_len);
		length += parts[i].iov_len;
	}
	if (virtio.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		CHECK(packets == 1 && virtio.flags == 0);
		oracle->single_writes++;
	} else {
		CHECK(packets >= 2 && packets <= MERGE_PACKETS);
		if (oracle->refuse_one_in != 0 && rng_once_in(&oracle->refusals, oracle->refuse_one_in)) {
			oracle->refused++;
			return -EINVAL;
		}
		oracle->merged_writes++;
	}
	CHECK(kernel_takes(&virtio, all, length, on_leaving, oracle) == 0);
	CHECK(oracle->written.count == before + packets);
	return 0;
}

void oracle_init(struct merge_oracle *oracle, const struct checksum *checksum, bool tcp, bool udp)
{
	*oracle = (struct merge_oracle){ .refusals = rng_from(7) };
	merger_init(&oracle->merger, checksum, tcp, udp, on_write, oracle);
}

void oracle_give(struct merge_oracle *oracle, const uint8_t *packet, size_t length)
{
	struct ip_packet ip;

	if (ip_parse(&ip, packet, length, false) != IP_FINE)
		return;
	append(&oracle->given, packet, ip.length);
	/* The list owns the buffer, which stays until the end. */
	merger_add(&oracle->merger, oracle->given.list[oracle->given.count - 1].data, &ip);
}

/* ---- judging ---- */

/*
 * Two forms of one packet: where DF is set the identification means nothing (RFC 6864) and may change, and 0 and
 * 0xffff are the same sum.
 */
static bool same_sum(uint16_t a, uint16_t b)
{
	return a == b || (a == 0 && b == 0xffff) || (a == 0xffff && b == 0);
}

static bool same_packet(const struct oracle_packet *given, const struct oracle_packet *written)
{
	static uint8_t a[PACKET_ROOM], b[PACKET_ROOM];
	uint8_t protocol;
	size_t at = packet_transport(given->data, given->length, &protocol);

	if (given->length != written->length)
		return false;
	if (memcmp(given->data, written->data, given->length) == 0)
		return true;
	memcpy(a, given->data, given->length);
	memcpy(b, written->data, given->length);
	if (a[0] >> 4 == 4 && (a[6] & 0x40) != 0) {
		put16(b + 4, get16(a + 4));
		packet_mend(b, false);
	}
	if (a[0] >> 4 == 4 && same_sum(get16(a + 10), get16(b + 10)))
		put16(b + 10, get16(a + 10));
	if (at != 0 && protocol == 6 && at + 20 <= given->length && same_sum(get16(a + at + 16), get16(b + at + 16)))
		put16(b + at + 16, get16(a + at + 16));
	for (size_t i = 0; i < given->length; i++)
		if (a[i] != b[i])
			fprintf(stderr, "byte %zu of %zu (transport at %zu): %02x came, %02x went\n", i, given->length, at, a[i], b[i]);
	return memcmp(a, b, given->length) == 0;
}

/* The next packet from `at` on that the flow sees: its own, and those of the same nodes that show no ports. */
static const struct oracle_packet *next_of(const struct oracle_list *list, size_t *at, const struct oracle_packet *flow)
{
	for (; *at < list->count; (*at)++) {
		const struct oracle_packet *p = &list->list[*at];

		if (p->nodes == flow->nodes && (p->ports == flow->ports || p->ports == 0))
			return &list->list[(*at)++];
	}
	return NULL;
}

static void judge_flow(const struct merge_oracle *oracle, const struct oracle_packet *flow)
{
	size_t given_at = 0, written_at = 0;
	const struct oracle_packet *given, *written;

	do {
		given = next_of(&oracle->given, &given_at, flow);
		written = next_of(&oracle->written, &written_at, flow);
		CHECK((given == NULL) == (written == NULL));
		CHECK(given == NULL || same_packet(given, written));
	} while (given != NULL);
}

void oracle_judge(struct merge_oracle *oracle)
{
	merger_flush(&oracle->merger);
	CHECK(oracle->given.count == oracle->written.count && oracle->merger.refused == oracle->refused);
	for (size_t i = 0; i < oracle->given.count; i++) {
		const struct oracle_packet *flow = &oracle->given.list[i];
		size_t earlier = 0;

		while (earlier < i && (oracle->given.list[earlier].nodes != flow->nodes || oracle->given.list[earlier].ports != flow->ports))
			earlier++;
		if (earlier == i)
			judge_flow(oracle, flow);
	}
	forget(&oracle->given);
	forget(&oracle->written);
}
