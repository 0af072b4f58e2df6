/*
 * The way of a packet into the device:
 *   1. receive messages of many datagrams each,
 *   2. the sender's address must be a peer's, whatever its port,
 *   3. each datagram must be an IP packet whose source the sender may use,
 *   4. congestion marks of the way are taken over,
 *   5. packets of one flow become one, and are written when the batch is through.
 * The filter is written twice, here and in nftables: here it holds even where nft is missing, and it knows the inner
 * source's owner.
 */
#define _GNU_SOURCE /* recvmmsg */
#include "decapsulate.h"

#include "../packet/ecn.h"

#include <errno.h>
#include <stdlib.h>

static int on_merged(void *context, const struct iovec *parts, int count, uint32_t packets);

int decapsulator_init(struct decapsulator *d, struct lane *lane)
{
	*d = (struct decapsulator){ .lane = lane };
	merger_init(&d->merger, lane->checksum, lane_has(lane, FEATURE_MERGE),
		    lane_has(lane, FEATURE_MERGE) && lane_has(lane, FEATURE_USO), on_merged, d);
	d->buffers = malloc(RECEIVE_MESSAGES * (size_t)RECEIVE_BYTES);
	return d->buffers == NULL ? -ENOMEM : 0;
}

void decapsulator_destroy(struct decapsulator *d)
{
	free(d->buffers);
}

/* A finished packet, merged or not, goes to the device. */
static int on_merged(void *context, const struct iovec *parts, int count, uint32_t packets)
{
	struct decapsulator *d = context;

	return lane_write_device(d->lane, parts, count, packets);
}

/* Whether the inner source may come from this sender. Asked once for a run of packets with the same source. */
static enum counter judge(struct decapsulator *d, const struct generation *generation, const struct ip_packet *ip)
{
	enum engine_filter filter = d->lane->options->filter;

	if (filter == FILTER_OFF || generation == NULL ||
	    (ip->version == d->cleared_version && ip_same_address(ip->source, d->cleared)))
		return COUNTER_NONE;
	if (generation_is_own(generation, ip->version, ip->source))
		return COUNTER_DROP_OWN_SOURCE;
	if (filter == FILTER_STRICT && generation_route(generation, ip->version, ip->source) != d->peer)
		return COUNTER_DROP_FOREIGN_SOURCE;
	d->cleared = ip->source;
	d->cleared_version = ip->version;
	return COUNTER_NONE;
}

static const enum counter faults[] = {
	[IP_FINE] = COUNTER_NONE,
	[IP_TRUNCATED] = COUNTER_DROP_TRUNCATED,
	[IP_MALFORMED] = COUNTER_DROP_MALFORMED,
	[IP_WRONG_SUM] = COUNTER_DROP_CHECKSUM,
};

static void take(struct decapsulator *d, const struct generation *generation, uint8_t *packet, size_t length,
		 uint8_t outer_class)
{
	struct ip_packet ip;
	enum counter counter = faults[ip_parse(&ip, packet, length, false)];
	int ecn;

	if (counter == COUNTER_NONE)
		counter = judge(d, generation, &ip);
	if (counter != COUNTER_NONE) {
		lane_count(d->lane, counter, 1);
		return;
	}
	ecn = ecn_decapsulate(ip.traffic_class, outer_class);
	if (ecn < 0) {
		lane_count(d->lane, COUNTER_DROP_CONGESTED, 1);
		return;
	}
	if (ecn != (ip.traffic_class & 3)) {
		ip_set_ecn(packet, (uint8_t)ecn);
		ip.traffic_class = (uint8_t)((ip.traffic_class & ~3) | ecn);
	}
	lane_count(d->lane, COUNTER_RECEIVED_PACKETS, 1);
	lane_count(d->lane, COUNTER_RECEIVED_BYTES, ip.length);
	if (d->peer != NULL) {
		count(&d->peer->traffic[d->lane->worker].received_packets, 1);
		count(&d->peer->traffic[d->lane->worker].received_bytes, ip.length);
	}
	merger_add(&d->merger, packet, &ip);
}

static void note_overruns(struct decapsulator *d, const struct udp_received *received)
{
	if (!received->has_overruns)
		return;
	lane_count(d->lane, COUNTER_DROP_OVERRUN, d->has_overruns ? received->overruns - d->overruns : received->overruns);
	d->overruns = received->overruns;
	d->has_overruns = true;
}

/* One message: a datagram, or several of equal size and a last one that may be shorter. */
static void take_message(struct decapsulator *d, const struct generation *generation, struct mmsghdr *header)
{
	struct udp_received received;
	uint8_t *data = header->msg_hdr.msg_iov->iov_base;
	size_t length = header->msg_len, size;

	udp_read_control(&received, &header->msg_hdr);
	note_overruns(d, &received);
	size = received.size == 0 || received.size > length ? length : received.size;
	d->cleared_version = 0;
	d->peer = generation == NULL || received.version == 0
		? NULL : generation_sender(generation, received.version, received.sender);
	if (d->peer == NULL && d->lane->options->filter != FILTER_OFF) {
		lane_count(d->lane, COUNTER_DROP_STRANGER, length == 0 ? 1 : (length + size - 1) / size);
		return;
	}
	if ((header->msg_hdr.msg_flags & MSG_TRUNC) != 0 || length == 0) {
		lane_count(d->lane, COUNTER_DROP_TRUNCATED, 1);
		return;
	}
	for (size_t at = 0; at < length; at += size)
		take(d, generation, data + at, length - at < size ? length - at : size, received.traffic_class);
}

static void prepare(struct decapsulator *d, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		d->parts[i] = (struct iovec){ .iov_base = d->buffers + i * (size_t)RECEIVE_BYTES, .iov_len = RECEIVE_BYTES };
		d->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &d->names[i],
			.msg_namelen = sizeof(d->names[i]),
			.msg_iov = &d->parts[i],
			.msg_iovlen = 1,
			.msg_control = d->controls[i],
			.msg_controllen = CONTROL_BYTES,
		};
	}
}

static int receive_some(struct decapsulator *d)
{
	unsigned most = lane_has(d->lane, FEATURE_MMSG) ? RECEIVE_MESSAGES : 1;
	ssize_t length;

	prepare(d, most);
	if (most > 1)
		return recvmmsg(d->lane->receive_fd, d->headers, most, MSG_DONTWAIT, NULL);
	length = recvmsg(d->lane->receive_fd, &d->headers[0].msg_hdr, MSG_DONTWAIT);
	d->headers[0].msg_len = length < 0 ? 0 : (unsigned)length;
	return length < 0 ? -1 : 1;
}

unsigned decapsulate(struct decapsulator *d, const struct generation *generation)
{
	int count = receive_some(d);

	/* What else a socket reports is of packets sent before (ICMP), and over with having been reported. */
	if (count < 0 && (errno == EBADF || errno == ENOTSOCK))
		lane_fail(d->lane, -errno, "receive from the UDP socket");
	if (count <= 0)
		return 0;
	lane_count(d->lane, COUNTER_RECEIVED_CALLS, 1);
	/* A message can be thousands of tiny datagrams. At a stop the rest is lost like what is still in the socket. */
	for (int i = 0; i < count && !lane_stops(d->lane); i++)
		take_message(d, generation, &d->headers[i]);
	merger_flush(&d->merger);
	if (d->merger.refused > 0)
		lane_count(d->lane, COUNTER_MERGE_REFUSED, d->merger.refused);
	d->merger.refused = 0;
	return (unsigned)count;
}
