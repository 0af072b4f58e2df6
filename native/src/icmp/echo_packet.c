/*
 * ICMP echo packets of the probe (IPv4): written into a buffer, and found in what a raw socket receives. No I/O, and
 * no opinion on what they mean.
 */
#include "echo_packet.h"

#include "../packet/checksum.h"

#include <netinet/ip_icmp.h>
#include <string.h>

#define IP_HEADER 20u
#define ICMP_HEADER 8u

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint16_t checksum_of(const uint8_t *data, size_t length)
{
	uint64_t sum = checksum_short(0, data, length);
	uint8_t last[2] = { 0 };

	if (length % 2 != 0) {
		last[0] = data[length - 1];
		sum = checksum_short(sum, last, sizeof(last));
	}
	return checksum_fold(sum);
}

/* The length of the IPv4 header, 0 when there is none of an unfragmented ICMP packet. */
static size_t ip_header(const uint8_t *packet, size_t length)
{
	size_t header;

	if (length < IP_HEADER || packet[0] >> 4 != 4 || packet[9] != IPPROTO_ICMP)
		return 0;
	header = (size_t)(packet[0] & 15) * 4;
	/* Offset and more-fragments: a raw socket is given whole packets, and an error may quote a piece. */
	if (header < IP_HEADER || header > length || (get16(packet + 6) & 0x3fff) != 0)
		return 0;
	return header;
}

static void take_payload(struct echo_packet *ret, const uint8_t *payload, size_t length)
{
	ret->payload_length = (uint8_t)(length < ECHO_PAYLOAD_MAX ? length : ECHO_PAYLOAD_MAX);
	memcpy(ret->payload, payload, ret->payload_length);
}

/* An error quotes the packet it is about: its IP header, and at least eight bytes more, which are our ICMP header. */
static bool parse_error(const uint8_t *icmp, size_t length, uint16_t identifier, struct echo_packet *ret)
{
	const uint8_t *quoted = icmp + ICMP_HEADER;
	size_t rest = length - ICMP_HEADER, header = ip_header(quoted, rest);

	if (header == 0 || rest - header < ICMP_HEADER || quoted[header] != ICMP_ECHO ||
	    get16(quoted + header + 4) != identifier)
		return false;
	ret->code = icmp[1];
	ret->kind = ret->code == ICMP_FRAG_NEEDED ? ECHO_TOO_BIG : ECHO_UNREACHABLE;
	ret->mtu = ret->kind == ECHO_TOO_BIG ? get16(icmp + 6) : 0;
	memcpy(ret->destination, quoted + 16, sizeof(ret->destination));
	ret->length = get16(quoted + 2);
	ret->identifier = identifier;
	ret->sequence = get16(quoted + header + 6);
	take_payload(ret, quoted + header + ICMP_HEADER, rest - header - ICMP_HEADER);
	return true;
}

static bool parse_echo(const uint8_t *icmp, size_t length, uint16_t identifier, struct echo_packet *ret)
{
	size_t payload_length = length - ICMP_HEADER;

	ret->kind = icmp[0] == ICMP_ECHO ? ECHO_REQUEST : ECHO_REPLY;
	ret->identifier = get16(icmp + 4);
	ret->sequence = get16(icmp + 6);
	if (ret->kind == ECHO_REPLY && ret->identifier != identifier)
		return false;
	if (payload_length < ECHO_MAGIC_LENGTH || memcmp(icmp + ICMP_HEADER, ECHO_MAGIC, ECHO_MAGIC_LENGTH) != 0)
		return false;
	take_payload(ret, icmp + ICMP_HEADER, payload_length);
	return true;
}

bool echo_parse(const uint8_t *packet, size_t length, uint16_t identifier, struct echo_packet *ret)
{
	size_t header = ip_header(packet, length);
	const uint8_t *icmp = packet + header;

	if (header == 0 || length - header < ICMP_HEADER || get16(packet + 2) != length ||
	    checksum_of(icmp, length - header) != 0xffff)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->ttl = packet[8];
	ret->length = (uint16_t)length;
	memcpy(ret->source, packet + 12, sizeof(ret->source));
	memcpy(ret->destination, packet + 16, sizeof(ret->destination));
	switch (icmp[0]) {
	case ICMP_ECHOREPLY:
	case ICMP_ECHO:
		return icmp[1] == 0 && parse_echo(icmp, length - header, identifier, ret);
	case ICMP_DEST_UNREACH:
		return parse_error(icmp, length - header, identifier, ret);
	default:
		return false;
	}
}

void echo_write(uint8_t *out, size_t length, uint16_t identifier, uint16_t sequence, const uint8_t *payload,
		size_t payload_length)
{
	uint16_t checksum;

	memset(out, 0, length);
	out[0] = ICMP_ECHO;
	put16(out + 4, identifier);
	put16(out + 6, sequence);
	if (payload_length > 0)
		memcpy(out + ICMP_HEADER, payload, payload_length);
	checksum = (uint16_t)~checksum_of(out, length);
	memcpy(out + 2, &checksum, sizeof(checksum));
}
