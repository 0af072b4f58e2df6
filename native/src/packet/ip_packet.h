/*
 * An IP packet in a buffer: is it one, where are its parts, what does its header say. IPv4 and IPv6, one structure.
 * Changes nothing but the hop limit and the traffic class. Options and extension headers are found, not interpreted.
 */
#ifndef FLANNELD_IP_PACKET_H
#define FLANNELD_IP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_MAX_LENGTH 65535u
#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
/* The least an engine that speaks with upstream may take for a packet. */
#define IP_MIN_LENGTH IPV4_HEADER

/* An address in host order; an IPv4 address is in the low half, and `high` is 0. */
struct ip_address {
	uint64_t high, low;
};

struct ip_packet {
	uint8_t version;		/* 4 or 6 */
	uint8_t traffic_class;		/* DSCP and ECN */
	uint8_t hop_limit;
	uint8_t protocol;		/* of IPv4; of IPv6 the first next header, an extension's too */
	uint16_t header;		/* bytes of the IP header: IPv4 with options, IPv6 without extensions */
	uint16_t id;			/* IPv4, else 0 */
	uint32_t length;		/* bytes of the packet; what follows them in the buffer is not part of it */
	bool dont_fragment;		/* IPv6: always */
	bool more_fragments;
	uint16_t fragment_offset;	/* bytes; IPv4 only */
	struct ip_address source, destination;
};

enum ip_fault {
	IP_FINE,
	IP_TRUNCATED,			/* shorter than its header says */
	IP_MALFORMED,			/* no version we know, or a header that cannot be */
	IP_WRONG_SUM,			/* IPv4: the header's checksum is wrong; IP_CHECKSUM is a macro of netinet/in.h */
};

/* Reads the header. Never looks beyond `length`. With `trusted` the header's checksum is taken for right. */
enum ip_fault ip_parse(struct ip_packet *ret, const uint8_t *data, size_t length, bool trusted);

static inline bool ip_is_fragment(const struct ip_packet *ip)
{
	return ip->more_fragments || ip->fragment_offset != 0;
}

static inline bool ip_same_address(struct ip_address a, struct ip_address b)
{
	return a.high == b.high && a.low == b.low;
}

/* Reads an address as it lies in a packet: 4 or 16 bytes, by version. */
struct ip_address ip_read_address(const uint8_t *at, int version);
void ip_write_address(uint8_t *at, int version, struct ip_address address);

/* The destination is one node: not multicast, not broadcast, not unspecified. */
bool ip_is_unicast(struct ip_address address, int version);

/* Takes one from the hop limit, which must be above 0, and mends the checksum (RFC 1624). */
void ip_decrement(uint8_t *packet);

/* Sets the two ECN bits and mends the checksum. */
void ip_set_ecn(uint8_t *packet, uint8_t ecn);

/* Writes total or payload length and, for IPv4, the identification, and computes the header's checksum anew. */
void ip_set_length(uint8_t *packet, const struct ip_packet *ip, uint32_t length, uint16_t id);

/* The sum of the pseudo-header for a transport of `length` bytes (RFC 793, RFC 8200 section 8.1), in memory order. */
uint64_t ip_pseudo_sum(const uint8_t *packet, const struct ip_packet *ip, uint8_t protocol, uint32_t length);

/* Big-endian fields at any alignment. */
static inline uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t read32(const uint8_t *at)
{
	return (uint32_t)read16(at) << 16 | read16(at + 2);
}

static inline void write16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void write32(uint8_t *at, uint32_t value)
{
	write16(at, value >> 16);
	write16(at + 2, value & 0xffff);
}

#endif
