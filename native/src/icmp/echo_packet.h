/*
 * ICMP echo packets of the probe (IPv4): written into a buffer, and found in what a raw socket receives. No I/O, and
 * no opinion on what they mean.
 */
#ifndef FLANNELD_ECHO_PACKET_H
#define FLANNELD_ECHO_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every payload of ours begins with; payload.ts of src/probe writes it. */
#define ECHO_MAGIC "flP1"
#define ECHO_MAGIC_LENGTH 4u
/* As much of a payload as is looked at; what follows fills a packet up. */
#define ECHO_PAYLOAD_MAX 64u
/* IP and ICMP headers of a packet that we send. */
#define ECHO_HEADERS 28u
#define ECHO_PACKET_MAX 65535u

/* The numbers go to JavaScript. */
enum echo_kind {
	ECHO_REPLY = 0,
	ECHO_REQUEST = 1,
	ECHO_TOO_BIG = 2,	/* an ICMP error: fragmentation needed */
	ECHO_UNREACHABLE = 3,	/* any other destination unreachable */
};

struct echo_packet {
	enum echo_kind kind;
	uint8_t code;			/* of an error */
	uint8_t ttl;
	uint8_t source[4];		/* who says so */
	uint8_t destination[4];		/* our address; of an error: where the packet that it is about went to */
	uint16_t identifier, sequence;
	uint16_t length;		/* of the whole IP packet; of an error: of the packet it is about */
	uint16_t mtu;			/* ECHO_TOO_BIG alone; 0 where the router does not say */
	uint8_t payload_length;		/* ECHO_PAYLOAD_MAX at the most */
	uint8_t payload[ECHO_PAYLOAD_MAX];
};

/*
 * Whether an IP packet is one of the probe's: a reply to `identifier`, anybody's request with the magic, or an error
 * about a request with `identifier`. A wrong checksum or length makes it nobody's. `packet` may lie anywhere.
 */
bool echo_parse(const uint8_t *packet, size_t length, uint16_t identifier, struct echo_packet *ret);

/*
 * Writes the ICMP part of an echo request, filled up with zeros to `length` bytes, which must hold header and payload.
 * The IP header is the kernel's.
 */
void echo_write(uint8_t *out, size_t length, uint16_t identifier, uint16_t sequence, const uint8_t *payload,
		size_t payload_length);

#endif
