/*
 * The way of a packet out of the device:
 *   1. read, with what the kernel left to do (checksum, segmentation) in a virtio header,
 *   2. parse; the peer by longest prefix, once for a super-packet,
 *   3. hop limit, size against the path: where it does not go on, an ICMP error goes to its sender,
 *   4. cut into packets straight behind those gathered for the peers, checksums on the way,
 *   5. send when the device is dry or enough is gathered.
 */
#define _GNU_SOURCE /* mmsghdr */
#include "encapsulate.h"

#include "icmp_socket.h"

#include "../packet/cut.h"
#include "../packet/ecn.h"
#include "../packet/fragment.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES (sizeof(struct virtio_net_hdr) + IP_MAX_LENGTH)
/* Reads before the other direction has its turn. */
#define BATCH 128

int encapsulator_init(struct encapsulator *e, struct lane *lane)
{
	*e = (struct encapsulator){ .lane = lane };
	e->packet = malloc(READ_BYTES);
	e->piece = malloc(IP_MAX_LENGTH);
	e->fragment = malloc(IP_MAX_LENGTH);
	return sender_init(&e->sender, lane) < 0 || e->packet == NULL || e->piece == NULL || e->fragment == NULL ? -ENOMEM : 0;
}

void encapsulator_destroy(struct encapsulator *e)
{
	sender_destroy(&e->sender);
	free(e->packet);
	free(e->piece);
	free(e->fragment);
}

/* ---- what goes no further ---- */

/*
 * Sends an ICMP error. From a raw socket, as the host itself: one that came out of the device with the device's own
 * address for a source would be a martian to the kernel (fib_validate_source), unless it accepted everybody's packets
 * with the host's addresses (accept_local). Without such a socket it is written to the device all the same.
 */
static bool send_icmp(struct encapsulator *e, uint8_t *message, size_t length, const struct ip_packet *about)
{
	int fd = about->version == 4 ? e->lane->icmp_v4_fd : e->lane->icmp_v6_fd;
	struct virtio_net_hdr none = { 0 };
	const struct iovec parts[2] = {
		{ .iov_base = &none, .iov_len = sizeof(none) }, { .iov_base = message, .iov_len = length },
	};

	if (fd < 0)
		return lane_write_device(e->lane, parts, 2, 0) == 0;
	return icmp_socket_send(fd, about->version, about->source, message, length) == 0;
}

static void answer(struct encapsulator *e, enum icmp_error error, uint32_t mtu, const struct ip_packet *ip,
		   const uint8_t *packet)
{
	struct ip_address from = ip->version == 4 ? e->lane->options->icmp_v4 : e->lane->options->icmp_v6;
	uint8_t message[ICMP_LONGEST];
	size_t length;

	if ((from.high == 0 && from.low == 0) || !icmp_may_answer(ip, packet) ||
	    !icmp_limiter_allows(&e->limiter, error, ip, packet, lane_now()))
		return;
	length = icmp_write(message, error, (uint16_t)mtu, from, ip, packet);
	if (send_icmp(e, message, length, ip))
		lane_count(e->lane, COUNTER_ICMP_SENT, 1);
}

/* The longest packet for this peer: what the device takes, less where the path was found to take less. */
static uint32_t limit_of(const struct encapsulator *e, struct peer *peer)
{
	uint32_t path = atomic_load_explicit(&peer->path_mtu, memory_order_relaxed);

	if (path == 0)
		return e->lane->options->mtu;
	if (lane_now() < atomic_load_explicit(&peer->path_mtu_until, memory_order_relaxed))
		return path < e->lane->options->mtu ? path : e->lane->options->mtu;
	atomic_store_explicit(&peer->path_mtu, 0, memory_order_relaxed);
	return e->lane->options->mtu;
}

/* A packet that does not fit: in fragments where its sender allows it, else its sender is told. */
static void send_fragments(struct encapsulator *e, struct peer *peer, const uint8_t *packet, const struct ip_packet *ip,
			   uint32_t limit)
{
	struct fragmenter fragmenter;
	size_t length;

	if (!fragment_begin(&fragmenter, packet, ip, limit)) {
		answer(e, ICMP_TOO_BIG, limit, ip, packet);
		lane_count(e->lane, COUNTER_DROP_TOO_BIG, 1);
		return;
	}
	while ((length = fragment_next(&fragmenter, e->fragment)) > 0)
		sender_send_now(&e->sender, peer, ecn_encapsulate(ip->traffic_class), e->fragment, (uint32_t)length);
}

/*
 * The kernel refused a packet that should have fitted: the path to the peer has become narrower. Called out of the
 * sender, whose packet lies neither in `piece` nor, unless the path shrank between two fragments, in `fragment`.
 */
static void on_too_big(void *context, struct peer *peer, const uint8_t *packet, uint32_t length)
{
	struct encapsulator *e = context;
	struct ip_packet ip;

	if (packet == e->fragment || ip_parse(&ip, packet, length, true) != IP_FINE) {
		lane_count(e->lane, COUNTER_DROP_TOO_BIG, 1);
		return;
	}
	send_fragments(e, peer, packet, &ip, limit_of(e, peer));
}

/* A super-packet whose pieces are too long for the path, or a packet that is. */
static void carry_too_big(struct encapsulator *e, struct peer *peer, struct cutter *cutter, uint8_t *packet,
			  uint32_t limit)
{
	struct ip_packet ip;
	uint32_t length;

	/* Behind what was gathered for the peer before. */
	sender_flush(&e->sender);
	if (cutter->ip.dont_fragment || cutter->ip.version == 6) {
		answer(e, ICMP_TOO_BIG, limit, &cutter->ip, packet);
		lane_count(e->lane, COUNTER_DROP_TOO_BIG, 1);
		return;
	}
	ip_decrement(packet);
	while ((length = cut_next(cutter, e->piece)) > 0)
		if (ip_parse(&ip, e->piece, length, true) == IP_FINE)
			send_fragments(e, peer, e->piece, &ip, limit);
}

/* ---- what goes on ---- */

static void carry(struct encapsulator *e, const struct generation *generation, const struct virtio_net_hdr *header,
		  uint8_t *packet, size_t length)
{
	struct ip_packet ip;
	struct cutter cutter;
	struct peer *peer;
	uint32_t longest, limit, piece;
	uint8_t class;

	if (ip_parse(&ip, packet, length, true) != IP_FINE) {
		lane_count(e->lane, COUNTER_DROP_DEVICE_MALFORMED, 1);
		return;
	}
	peer = generation == NULL ? NULL : generation_route(generation, ip.version, ip.destination);
	if (peer == NULL) {
		answer(e, ICMP_NO_ROUTE, 0, &ip, packet);
		lane_count(e->lane, COUNTER_DROP_NO_ROUTE, 1);
		return;
	}
	if (ip.hop_limit <= 1) {
		answer(e, ICMP_EXPIRED, 0, &ip, packet);
		lane_count(e->lane, COUNTER_DROP_EXPIRED, 1);
		return;
	}
	if (!cut_begin(&cutter, e->lane->checksum, header, packet, &ip)) {
		lane_count(e->lane, COUNTER_DROP_DEVICE_MALFORMED, 1);
		return;
	}
	limit = limit_of(e, peer);
	longest = cut_longest(&cutter);
	if (longest > limit) {
		carry_too_big(e, peer, &cutter, packet, limit);
		return;
	}
	/* Once for all pieces, which repeat this header. */
	ip_decrement(packet);
	class = ecn_encapsulate(ip.traffic_class);
	while ((piece = cut_next(&cutter, sender_room(&e->sender, longest))) > 0)
		sender_add(&e->sender, peer, class, piece);
}

/* Reads one. Returns the length of the packet, 0 when there is none (or no longer any). */
static size_t read_device(struct encapsulator *e, struct virtio_net_hdr *header, uint8_t **packet)
{
	size_t before = lane_has(e->lane, FEATURE_VNET_HDR) ? sizeof(*header) : 0;
	ssize_t length = read(e->lane->tun_fd, e->packet, before + IP_MAX_LENGTH);

	if (length < 0 && errno != EAGAIN && errno != EINTR)
		lane_fail(e->lane, -errno, "read from the TUN device");
	/* A device has no end; what stands for one may, and would be readable for ever. */
	if (length == 0)
		lane_fail(e->lane, -EBADFD, "read from the TUN device");
	if (length <= 0)
		return 0;
	*header = (struct virtio_net_hdr){ 0 };
	if ((size_t)length > before)
		memcpy(header, e->packet, before);
	*packet = e->packet + before;
	lane_count(e->lane, COUNTER_DEVICE_READS, 1);
	/* Something that is no packet, but was there: 1 makes the parser refuse it, and the counter tell of it. */
	return (size_t)length > before ? (size_t)length - before : 1;
}

unsigned encapsulate(struct encapsulator *e, const struct generation *generation)
{
	unsigned batch = lane_has(e->lane, FEATURE_MMSG) ? BATCH : 1;
	struct virtio_net_hdr header;
	unsigned count = 0;
	uint8_t *packet;
	size_t length;

	e->sender.too_big = on_too_big;
	e->sender.context = e;
	/* Super-packets of tiny pieces fill the sender many times over: then a stop, and the other direction, come first. */
	e->sender.flushes = 0;
	while (count < batch && e->lane->error == 0 && !lane_stops(e->lane) && (length = read_device(e, &header, &packet)) > 0) {
		carry(e, generation, &header, packet, length);
		count++;
		if (sender_is_full(&e->sender) || e->sender.flushes > 0)
			break;
	}
	sender_flush(&e->sender);
	return count;
}
