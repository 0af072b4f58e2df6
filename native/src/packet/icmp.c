/*
 * ICMP errors for both families: which packets may be answered, and how an answer looks.
 */
#include "icmp.h"

#include "checksum.h"

#include <netinet/in.h>

#define ICMP_HEADER 8u
#define ICMPV4_LONGEST 576u
/* Network control, as RFC 1812 5.3.2 wants for errors. */
#define TRAFFIC_CLASS 0xc0
#define HOP_LIMIT 64
/* No error by its number, but not to be answered either (RFC 4443, 2.4 e.2). */
#define REDIRECT_V6 137

struct kind { uint8_t type, code; };

/* By enum icmp_error. */
static const struct kind kinds_v4[] = { { 3, 0 }, { 11, 0 }, { 3, 4 } };
static const struct kind kinds_v6[] = { { 1, 0 }, { 3, 0 }, { 2, 0 } };

/* Whether the IPv4 message is none of the queries, which alone are known not to be errors. */
static bool is_error_v4(const struct ip_packet *ip, const uint8_t *packet)
{
	uint8_t type;

	if (ip->protocol != IPPROTO_ICMP)
		return false;
	if (ip->length < (uint32_t)ip->header + 1)
		return true;
	type = packet[ip->header];
	return !(type == 0 || type == 8 || (type >= 13 && type <= 18));
}

/* The same for IPv6, where it may stand behind extension headers. A fragment after the first counts as one too. */
static bool is_error_v6(const struct ip_packet *ip, const uint8_t *packet)
{
	uint8_t next = ip->protocol;
	uint32_t at = ip->header, size;

	while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT) {
		if (at + 8 > ip->length)
			return true;
		if (next == IPPROTO_FRAGMENT && (read16(packet + at + 2) & 0xfff8) != 0)
			return true;
		size = next == IPPROTO_FRAGMENT ? 8 : 8 + 8u * packet[at + 1];
		next = packet[at];
		at += size;
	}
	if (next != IPPROTO_ICMPV6)
		return false;
	return at + 1 > ip->length || packet[at] < 128 || packet[at] == REDIRECT_V6;
}

bool icmp_may_answer(const struct ip_packet *ip, const uint8_t *packet)
{
	if (ip->fragment_offset != 0 || (ip->version == 4 ? is_error_v4 : is_error_v6)(ip, packet))
		return false;
	if (ip->version == 4 && (ip->source.low >> 24) == 127)
		return false;
	return ip_is_unicast(ip->source, ip->version) && ip_is_unicast(ip->destination, ip->version);
}

static void write_ipv4(uint8_t *out, size_t length, struct ip_address from, struct ip_address to)
{
	const struct ip_packet header = { .version = 4, .header = IPV4_HEADER };

	memset(out, 0, IPV4_HEADER);
	out[0] = 0x45;
	out[1] = TRAFFIC_CLASS;
	out[8] = HOP_LIMIT;
	out[9] = IPPROTO_ICMP;
	ip_write_address(out + 12, 4, from);
	ip_write_address(out + 16, 4, to);
	ip_set_length(out, &header, (uint32_t)length, 0);
}

static void write_ipv6(uint8_t *out, size_t length, struct ip_address from, struct ip_address to)
{
	memset(out, 0, IPV6_HEADER);
	out[0] = 0x60 | TRAFFIC_CLASS >> 4;
	out[1] = (uint8_t)(TRAFFIC_CLASS << 4);
	write16(out + 4, (uint32_t)(length - IPV6_HEADER));
	out[6] = IPPROTO_ICMPV6;
	out[7] = HOP_LIMIT;
	ip_write_address(out + 8, 6, from);
	ip_write_address(out + 24, 6, to);
}

size_t icmp_write(uint8_t *out, enum icmp_error error, uint16_t mtu, struct ip_address from, const struct ip_packet *ip,
		  const uint8_t *packet)
{
	bool v4 = ip->version == 4;
	size_t header = v4 ? IPV4_HEADER : IPV6_HEADER;
	size_t room = (v4 ? ICMPV4_LONGEST : ICMP_LONGEST) - header - ICMP_HEADER;
	size_t quoted = ip->length < room ? ip->length : room;
	size_t length = header + ICMP_HEADER + quoted;
	struct kind kind = (v4 ? kinds_v4 : kinds_v6)[error];
	uint8_t *icmp = out + header;
	struct ip_packet self = { .version = ip->version };
	uint64_t sum = 0;
	uint16_t folded;

	if (v4)
		write_ipv4(out, length, from, ip->source);
	else
		write_ipv6(out, length, from, ip->source);
	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = kind.type;
	icmp[1] = kind.code;
	if (error == ICMP_TOO_BIG)
		write16(icmp + 6, mtu);
	memcpy(icmp + ICMP_HEADER, packet, quoted);
	if (!v4)
		sum = ip_pseudo_sum(out, &self, IPPROTO_ICMPV6, (uint32_t)(length - header));
	sum = checksum_choose(true)->add(sum, icmp, length - header);
	folded = (uint16_t)~checksum_fold(sum);
	memcpy(icmp + 2, &folded, sizeof(folded));
	return length;
}
