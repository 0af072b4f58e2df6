/*
 * Segmentation as the kernel's tcp_gso_segment and __udp_gso_segment do it: every piece repeats the headers, with
 * length, IPv4 identification, TCP sequence and flags of its own, and the payload is summed while it is copied.
 */
#include "cut.h"

#include "transport.h"

#include <netinet/in.h>

/* The kind of a super-packet: which headers it has, in which version. */
static bool take_kind(struct cutter *c, uint8_t type)
{
	switch (type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		c->is_tcp = true;
		return c->ip.version == 4 && c->ip.protocol == IPPROTO_TCP;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		c->is_tcp = true;
		return c->ip.version == 6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return c->ip.version == 6 || c->ip.protocol == IPPROTO_UDP;
	default:
		return false;
	}
}

static bool begin_super(struct cutter *c, const struct virtio_net_hdr *header)
{
	uint32_t least = c->transport + (c->is_tcp ? TCP_HEADER : UDP_HEADER);

	if (c->transport < c->ip.header || ip_is_fragment(&c->ip) || header->gso_size == 0 || least > c->ip.length)
		return false;
	c->headers = c->transport + (c->is_tcp ? (uint32_t)(c->packet[c->transport + TCP_DATA_OFFSET] >> 4) * 4 : UDP_HEADER);
	c->checksum_at = c->transport + (c->is_tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
	c->piece = header->gso_size;
	c->is_super = true;
	return c->headers >= least && c->headers < c->ip.length && c->headers + c->piece <= IP_MAX_LENGTH;
}

bool cut_begin(struct cutter *ret, const struct checksum *checksum, const struct virtio_net_hdr *header,
	       const uint8_t *packet, const struct ip_packet *ip)
{
	bool needs_checksum = (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;

	*ret = (struct cutter){ .checksum = checksum, .packet = packet, .ip = *ip };
	if (needs_checksum) {
		ret->transport = header->csum_start;
		ret->checksum_at = (uint32_t)header->csum_start + header->csum_offset;
		if (ret->transport < ip->header || ret->checksum_at + 2 > ip->length)
			return false;
	}
	if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		ret->headers = ip->length;
		return true;
	}
	/* A super-packet without a checksum to complete does not exist: its pieces could not have one. */
	return needs_checksum && take_kind(ret, header->gso_type) && begin_super(ret, header);
}

uint32_t cut_longest(const struct cutter *c)
{
	uint32_t payload = c->ip.length - c->headers;

	return c->headers + (payload < c->piece ? payload : c->piece);
}

static void put_checksum(uint8_t *at, uint64_t sum, bool is_udp)
{
	uint16_t folded = (uint16_t)~checksum_fold(sum);

	/* To UDP a zero means "none". */
	if (folded == 0 && is_udp)
		folded = 0xffff;
	memcpy(at, &folded, sizeof(folded));
}

/* One whole packet. The kernel left the sum of the pseudo-header in the checksum's place. */
static uint32_t cut_whole(struct cutter *c, uint8_t *out)
{
	if (c->transport == 0) {
		memcpy(out, c->packet, c->ip.length);
		return c->ip.length;
	}
	memcpy(out, c->packet, c->transport);
	put_checksum(out + c->checksum_at,
		     c->checksum->copy(0, out + c->transport, c->packet + c->transport, c->ip.length - c->transport),
		     c->checksum_at == c->transport + UDP_CHECKSUM);
	return c->ip.length;
}

static void patch_tcp(struct cutter *c, uint8_t *tcp, bool last)
{
	write32(tcp + TCP_SEQUENCE, read32(c->packet + c->transport + TCP_SEQUENCE) + c->done);
	if (!last)
		tcp[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (c->index > 0)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
}

uint32_t cut_next(struct cutter *c, uint8_t *out)
{
	uint32_t left = c->ip.length - c->headers - c->done;
	uint32_t payload = left < c->piece ? left : c->piece;
	uint32_t length = c->headers + payload;
	uint8_t *transport = out + c->transport;
	uint64_t sum;

	if (c->finished)
		return 0;
	if (!c->is_super) {
		c->finished = true;
		return cut_whole(c, out);
	}
	memcpy(out, c->packet, c->headers);
	ip_set_length(out, &c->ip, length, (uint16_t)(c->ip.id + c->index));
	if (c->is_tcp)
		patch_tcp(c, transport, payload == left);
	else
		write16(transport + UDP_LENGTH, UDP_HEADER + payload);
	memset(out + c->checksum_at, 0, 2);
	sum = ip_pseudo_sum(out, &c->ip, c->is_tcp ? IPPROTO_TCP : IPPROTO_UDP, length - c->transport);
	sum = checksum_short(sum, transport, c->headers - c->transport);
	sum = c->checksum->copy(sum, out + c->headers, c->packet + c->headers + c->done, payload);
	put_checksum(out + c->checksum_at, sum, !c->is_tcp);
	c->done += payload;
	c->index++;
	c->finished = payload == left;
	return length;
}
