/*
 * What Linux makes of a packet with a virtio header that is written to a TUN device: the checks of
 * include/linux/virtio_net.h (virtio_net_hdr_to_skb, Linux 6.12, and the limits of 6.2 where those are stricter), and
 * the segmentation of net/ipv4/tcp_offload.c and udp_offload.c, written anew and plainly.
 */
#include "packets.h"

#include <errno.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define MOST_UDP_SEGMENTS 64

struct kind { int version; uint8_t protocol; };

static bool kind_of(uint8_t type, const uint8_t *packet, struct kind *ret)
{
	switch (type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		*ret = (struct kind){ 4, 6 };
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		*ret = (struct kind){ 6, 6 };
		return true;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		*ret = (struct kind){ packet[0] >> 4, 17 };
		return true;
	default:
		return false;
	}
}

/* The sum of the pseudo-header must be there, or the pieces' checksums come out wrong. */
static bool has_pseudo_sum(const uint8_t *p, size_t length, size_t start, size_t at, uint8_t protocol)
{
	uint8_t rest[8] = { 0 };
	uint32_t sum = p[0] >> 4 == 4 ? naive_sum(0, p + 12, 8) : naive_sum(0, p + 8, 32);

	put32(rest, (uint32_t)(length - start));
	rest[7] = protocol;
	return naive_sum(sum, rest, 8) == get16(p + at);
}

static int checked(const struct virtio_net_hdr *h, const uint8_t *p, size_t length, const struct kind *kind,
		   size_t *ret_headers)
{
	size_t start = h->csum_start, at = start + h->csum_offset;
	size_t minimum = kind->protocol == 6 ? 20 : 8;
	uint8_t protocol;

	if (h->gso_size == 0 || !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || p[0] >> 4 != kind->version)
		return -EINVAL;
	if (at + 2 > length || h->csum_offset != (kind->protocol == 6 ? 16 : 6) || start + minimum > length)
		return -EINVAL;
	if (packet_transport(p, length, &protocol) != start || protocol != kind->protocol || !has_pseudo_sum(p, length, start, at, protocol))
		return -EINVAL;
	*ret_headers = kind->protocol == 6 ? start + (size_t)(p[start + 12] >> 4) * 4 : start + 8;
	if (*ret_headers < start + minimum || *ret_headers >= length || h->hdr_len != *ret_headers)
		return -EINVAL;
	if (kind->protocol == 17 && (length - *ret_headers > (size_t)h->gso_size * MOST_UDP_SEGMENTS || get16(p + start + 4) != length - start))
		return -EINVAL;
	/* The kernel would let it pass, but a super-packet that is none is not what we meant to write. */
	return length - *ret_headers <= h->gso_size ? -EINVAL : 0;
}

static void segment(const struct virtio_net_hdr *h, const uint8_t *p, size_t length, size_t headers, uint8_t protocol,
		    void (*each)(void *, const uint8_t *, size_t), void *context)
{
	size_t count = (length - headers + h->gso_size - 1) / h->gso_size, start = h->csum_start;
	static uint8_t out[PACKET_ROOM];

	for (size_t i = 0; i < count; i++) {
		size_t from = headers + i * h->gso_size, size = i + 1 < count ? h->gso_size : length - from;

		memcpy(out, p, headers);
		memcpy(out + headers, p + from, size);
		if (p[0] >> 4 == 4) {
			put16(out + 2, (uint32_t)(headers + size));
			put16(out + 4, (uint32_t)(get16(p + 4) + i) & 0xffff);
		} else {
			put16(out + 4, (uint32_t)(headers + size) - 40);
		}
		if (protocol == 17) {
			put16(out + start + 4, (uint32_t)(headers + size - start));
		} else {
			put32(out + start + 4, (uint32_t)(get32(p + start + 4) + i * h->gso_size));
			out[start + 13] = (uint8_t)(p[start + 13] & ~(i == 0 ? 0 : 0x80) & ~(i + 1 < count ? 0x09 : 0));
		}
		packet_mend(out, true);
		each(context, out, headers + size);
	}
}

/* One packet; its checksum is made where that was left to do. */
static int pass(const struct virtio_net_hdr *h, const uint8_t *p, size_t length,
		void (*each)(void *, const uint8_t *, size_t), void *context)
{
	static uint8_t out[PACKET_ROOM];
	size_t at = (size_t)h->csum_start + h->csum_offset;
	uint16_t sum;

	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
		each(context, p, length);
		return 0;
	}
	if (at + 2 > length)
		return -EINVAL;
	memcpy(out, p, length);
	sum = (uint16_t)~naive_sum(0, p + h->csum_start, length - h->csum_start);
	put16(out + at, sum == 0 && h->csum_offset == 6 ? 0xffff : sum);
	each(context, out, length);
	return 0;
}

int kernel_takes(const struct virtio_net_hdr *header, const uint8_t *packet, size_t length,
		 void (*each)(void *context, const uint8_t *packet, size_t length), void *context)
{
	struct kind kind;
	size_t headers;
	int result;

	if (length < 20 || length > 65535)
		return -EINVAL;
	if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return pass(header, packet, length, each, context);
	if (!kind_of(header->gso_type, packet, &kind))
		return -EINVAL;
	result = checked(header, packet, length, &kind, &headers);
	if (result < 0)
		return result;
	segment(header, packet, length, headers, kind.protocol, each, context);
	return 0;
}
