/*
 * Messages to peers. A message is datagrams of one size to one peer, the last of which may be shorter: what
 * UDP_SEGMENT takes (udp(7)).
 */
#define _GNU_SOURCE /* sendmmsg */
#include "sender.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

/* UDP_MAX_SEGMENTS before Linux 6.9. */
#define MOST_DATAGRAMS 64
/* How long a full socket is waited for before packets are dropped; short beside the 100 ms in which we can stop. */
#define FULL_WAIT_MS 10
/* As the kernel's own mtu_expires. */
#define PATH_MTU_NS (UINT64_C(600) * 1000000000)

int sender_init(struct sender *sender, struct lane *lane)
{
	sender->lane = lane;
	sender->area = malloc(SENDER_AREA);
	return sender->area == NULL ? -ENOMEM : 0;
}

void sender_destroy(struct sender *sender)
{
	free(sender->area);
}

uint8_t *sender_room(struct sender *s, uint32_t length)
{
	if (s->used + length > SENDER_AREA || s->count == SENDER_MESSAGES)
		sender_flush(s);
	return s->area + s->used;
}

static bool joins(const struct outgoing *out, const struct peer *peer, uint8_t traffic_class, uint32_t length)
{
	return !out->closed && out->peer == peer && out->traffic_class == traffic_class && length <= out->size &&
	       out->packets < MOST_DATAGRAMS && out->length + length <= UDP_LONGEST;
}

void sender_add(struct sender *s, struct peer *peer, uint8_t traffic_class, uint32_t length)
{
	struct outgoing *last = s->count == 0 ? NULL : &s->outgoing[s->count - 1];

	if (last != NULL && lane_has(s->lane, FEATURE_UDP_GSO) && joins(last, peer, traffic_class, length)) {
		last->length += length;
		last->packets++;
		last->closed = length < last->size;
	} else {
		s->outgoing[s->count++] = (struct outgoing){
			.peer = peer,
			.offset = s->used,
			.length = length,
			.size = (uint16_t)length,
			.packets = 1,
			.traffic_class = traffic_class,
		};
	}
	s->used += length;
}

/* ---- sending ---- */

static void prepare(struct sender *s, uint32_t at)
{
	struct outgoing *out = &s->outgoing[at];
	struct msghdr *message = &s->headers[at].msg_hdr;

	s->parts[at] = (struct iovec){ .iov_base = s->area + out->offset, .iov_len = out->length };
	*message = (struct msghdr){
		.msg_name = &out->peer->address,
		.msg_namelen = out->peer->address_length,
		.msg_iov = &s->parts[at],
		.msg_iovlen = 1,
	};
	udp_write_control(message, s->controls[at], out->peer->version, out->packets > 1 ? out->size : 0,
			  out->traffic_class);
}

static void account(struct sender *s, struct peer *peer, uint32_t packets, uint32_t bytes)
{
	struct traffic *traffic = &peer->traffic[s->lane->worker];

	lane_count(s->lane, COUNTER_SENT_PACKETS, packets);
	lane_count(s->lane, COUNTER_SENT_BYTES, bytes);
	count(&traffic->sent_packets, packets);
	count(&traffic->sent_bytes, bytes);
}

/* Waits until the socket takes more. False when it does not, in time, or it is time to stop. */
static bool wait_for_room(struct sender *s)
{
	struct pollfd poll_fd = { .fd = s->lane->send_fd, .events = POLLOUT };

	if (s->waited || lane_stops(s->lane))
		return false;
	s->waited = poll(&poll_fd, 1, FULL_WAIT_MS) <= 0 || (poll_fd.revents & POLLOUT) == 0;
	return !s->waited;
}

/* One datagram. Returns 0 or -errno; nothing is counted. */
static int send_single(struct sender *s, struct peer *peer, uint8_t traffic_class, const uint8_t *packet, uint32_t length)
{
	_Alignas(8) uint8_t control[CONTROL_BYTES];
	struct iovec part = { .iov_base = (void *)packet, .iov_len = length };
	struct msghdr message = {
		.msg_name = &peer->address, .msg_namelen = peer->address_length, .msg_iov = &part, .msg_iovlen = 1,
	};

	udp_write_control(&message, control, peer->version, 0, traffic_class);
	for (;;) {
		if (sendmsg(s->lane->send_fd, &message, MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EINTR || (errno == EAGAIN && wait_for_room(s)))
			continue;
		return -errno;
	}
}

/* Whether the path to the peer carries less than it was thought to, and by how much less. */
static bool learn_path_mtu(struct peer *peer, uint32_t length)
{
	int mtu = udp_path_mtu(peer);
	uint32_t inner;

	if (mtu <= (int)udp_overhead(peer->version))
		return false;
	inner = (uint32_t)mtu - udp_overhead(peer->version);
	if (inner >= length)
		return false;
	atomic_store_explicit(&peer->path_mtu, inner, memory_order_relaxed);
	atomic_store_explicit(&peer->path_mtu_until, lane_now() + PATH_MTU_NS, memory_order_relaxed);
	return true;
}

void sender_send_now(struct sender *s, struct peer *peer, uint8_t traffic_class, const uint8_t *packet, uint32_t length)
{
	int result = send_single(s, peer, traffic_class, packet, length);

	lane_count(s->lane, COUNTER_SENT_CALLS, 1);
	if (result == 0)
		account(s, peer, 1, length);
	else if (result == -EMSGSIZE && learn_path_mtu(peer, length))
		s->too_big(s->context, peer, packet, length);
	else
		lane_count(s->lane, result == -EAGAIN ? COUNTER_DROP_SEND_FULL : COUNTER_DROP_SEND_REFUSED, 1);
}

/* Each datagram of a message by itself: some may fit, or the device does not know messages of many. */
static void send_apart(struct sender *s, const struct outgoing *out)
{
	for (uint32_t done = 0; done < out->length; done += out->size) {
		uint32_t left = out->length - done;

		sender_send_now(s, out->peer, out->traffic_class, s->area + out->offset + done,
				left < out->size ? left : out->size);
	}
}

/*
 * The first message of a call was refused. What the kernel says of a message of many may be due to their being many:
 * EINVAL and EMSGSIZE when they do not fit the path, EIO when the device below makes no checksums (then for good).
 */
static void refused(struct sender *s, const struct outgoing *out, int error)
{
	if (out->packets > 1 && error == EIO)
		atomic_fetch_and_explicit(s->lane->features, ~(uint32_t)FEATURE_UDP_GSO, memory_order_relaxed);
	if (out->packets > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
		lane_count(s->lane, COUNTER_GSO_REFUSED, 1);
		send_apart(s, out);
	} else if (error == EMSGSIZE && learn_path_mtu(out->peer, out->length)) {
		s->too_big(s->context, out->peer, s->area + out->offset, out->length);
	} else {
		lane_count(s->lane, error == EAGAIN ? COUNTER_DROP_SEND_FULL : COUNTER_DROP_SEND_REFUSED, out->packets);
	}
}

static int send_some(struct sender *s, uint32_t from)
{
	uint32_t most = lane_has(s->lane, FEATURE_MMSG) ? s->count - from : 1;

	lane_count(s->lane, COUNTER_SENT_CALLS, 1);
	if (most > 1)
		return sendmmsg(s->lane->send_fd, &s->headers[from], most, MSG_DONTWAIT);
	return sendmsg(s->lane->send_fd, &s->headers[from].msg_hdr, MSG_DONTWAIT) < 0 ? -1 : 1;
}

void sender_flush(struct sender *s)
{
	uint32_t done = 0;

	s->flushes += s->count > 0;
	s->waited = false;
	for (uint32_t i = 0; i < s->count; i++)
		prepare(s, i);
	while (done < s->count) {
		int sent = send_some(s, done);

		if (sent < 0 && (errno == EINTR || (errno == EAGAIN && wait_for_room(s))))
			continue;
		if (sent < 0) {
			refused(s, &s->outgoing[done], errno);
			done++;
			continue;
		}
		for (int i = 0; i < sent; i++, done++)
			account(s, s->outgoing[done].peer, s->outgoing[done].packets, s->outgoing[done].length);
	}
	s->used = 0;
	s->count = 0;
}
