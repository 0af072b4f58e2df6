/*
 * Reading and patching IP headers in a buffer. Everything read is checked against the length first.
 */
#include "ip_packet.h"

#include "checksum.h"

#include <netinet/in.h>

#define IPV4_MORE 0x2000
#define IPV4_DONT 0x4000
#define IPV4_OFFSET 0x1fff

struct ip_address ip_read_address(const uint8_t *at, int version)
{
	if (version == 4)
		return (struct ip_address){ .low = read32(at) };
	return (struct ip_address){
		.high = (uint64_t)read32(at) << 32 | read32(at + 4),
		.low = (uint64_t)read32(at + 8) << 32 | read32(at + 12),
	};
}

void ip_write_address(uint8_t *at, int version, struct ip_address address)
{
	if (version == 6) {
		write32(at, (uint32_t)(address.high >> 32));
		write32(at + 4, (uint32_t)address.high);
		write32(at + 8, (uint32_t)(address.low >> 32));
		at += 12;
	}
	write32(at, (uint32_t)address.low);
}

bool ip_is_unicast(struct ip_address address, int version)
{
	if (version == 4)
		return address.low != 0 && address.low < 0xe0000000;
	return (address.high >> 56) != 0xff && !(address.high == 0 && address.low == 0);
}

static enum ip_fault parse_v4(struct ip_packet *ip, const uint8_t *data, size_t length, bool trusted)
{
	uint16_t fragment;

	if (length < IPV4_HEADER)
		return IP_TRUNCATED;
	ip->header = (uint16_t)((data[0] & 0x0f) * 4);
	ip->length = read16(data + 2);
	if (ip->header < IPV4_HEADER || ip->length < ip->header)
		return IP_MALFORMED;
	if (ip->length > length)
		return IP_TRUNCATED;
	if (!trusted && checksum_fold(checksum_short(0, data, ip->header)) != 0xffff)
		return IP_WRONG_SUM;
	fragment = read16(data + 6);
	ip->traffic_class = data[1];
	ip->id = read16(data + 4);
	ip->dont_fragment = (fragment & IPV4_DONT) != 0;
	ip->more_fragments = (fragment & IPV4_MORE) != 0;
	ip->fragment_offset = (uint16_t)((fragment & IPV4_OFFSET) * 8);
	/* An offset that leads beyond the longest packet is a known way to hurt reassembly. */
	if (ip->fragment_offset + (ip->length - ip->header) > IP_MAX_LENGTH)
		return IP_MALFORMED;
	ip->hop_limit = data[8];
	ip->protocol = data[9];
	ip->source = ip_read_address(data + 12, 4);
	ip->destination = ip_read_address(data + 16, 4);
	return IP_FINE;
}

static enum ip_fault parse_v6(struct ip_packet *ip, const uint8_t *data, size_t length)
{
	if (length < IPV6_HEADER)
		return IP_TRUNCATED;
	ip->header = IPV6_HEADER;
	ip->length = IPV6_HEADER + read16(data + 4);
	/* A jumbogram says 0 and has a hop-by-hop header (RFC 2675): none fits a UDP datagram. */
	if (ip->length > IP_MAX_LENGTH)
		return IP_MALFORMED;
	if (ip->length > length)
		return IP_TRUNCATED;
	ip->traffic_class = (uint8_t)(data[0] << 4 | data[1] >> 4);
	ip->id = 0;
	ip->dont_fragment = true;
	ip->protocol = data[6];
	/* A fragment's transport header cannot be relied upon; which fragment it is does not matter to us. */
	ip->more_fragments = ip->protocol == IPPROTO_FRAGMENT;
	ip->fragment_offset = 0;
	ip->hop_limit = data[7];
	ip->source = ip_read_address(data + 8, 6);
	ip->destination = ip_read_address(data + 24, 6);
	return IP_FINE;
}

enum ip_fault ip_parse(struct ip_packet *ret, const uint8_t *data, size_t length, bool trusted)
{
	if (length < 1)
		return IP_TRUNCATED;
	ret->version = data[0] >> 4;
	if (ret->version == 4)
		return parse_v4(ret, data, length, trusted);
	if (ret->version == 6)
		return parse_v6(ret, data, length);
	return IP_MALFORMED;
}

/* HC' = ~(~HC + ~m + m') of RFC 1624, for one 16-bit word of an IPv4 header that changed from `before` to `after`. */
static void mend(uint8_t *packet, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~read16(packet + 10) + (uint32_t)(uint16_t)~before + after;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	write16(packet + 10, (uint16_t)~sum);
}

void ip_decrement(uint8_t *packet)
{
	uint16_t before;

	if (packet[0] >> 4 == 6) {
		packet[7]--;
		return;
	}
	before = read16(packet + 8);
	packet[8]--;
	mend(packet, before, read16(packet + 8));
}

void ip_set_ecn(uint8_t *packet, uint8_t ecn)
{
	uint16_t before = read16(packet);

	if (packet[0] >> 4 == 6) {
		packet[1] = (uint8_t)((packet[1] & ~0x30) | ecn << 4);
		return;
	}
	packet[1] = (uint8_t)((packet[1] & ~0x03) | ecn);
	mend(packet, before, read16(packet));
}

void ip_set_length(uint8_t *packet, const struct ip_packet *ip, uint32_t length, uint16_t id)
{
	uint16_t sum;

	if (ip->version == 6) {
		write16(packet + 4, length - IPV6_HEADER);
		return;
	}
	write16(packet + 2, length);
	write16(packet + 4, id);
	write16(packet + 10, 0);
	sum = (uint16_t)~checksum_fold(checksum_short(0, packet, ip->header));
	memcpy(packet + 10, &sum, sizeof(sum));
}

uint64_t ip_pseudo_sum(const uint8_t *packet, const struct ip_packet *ip, uint8_t protocol, uint32_t length)
{
	uint8_t rest[8] = { 0 };

	write32(rest, length);
	rest[7] = protocol;
	return checksum_short(checksum_short(0, rest, sizeof(rest)), packet + (ip->version == 4 ? 12 : 8),
			      ip->version == 4 ? 8 : 32);
}
