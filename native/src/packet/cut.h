/*
 * Cutting a super-packet, as a TUN device hands it over (TSO, USO), into the packets it stands for, with headers and
 * checksums complete. A packet that is none is one piece, its checksum completed where the kernel left that to us.
 */
#ifndef FLANNELD_CUT_H
#define FLANNELD_CUT_H

#include "checksum.h"
#include "ip_packet.h"
#include "virtio.h"

struct cutter {
	const struct checksum *checksum;
	const uint8_t *packet;
	struct ip_packet ip;
	uint32_t headers;		/* bytes that every piece repeats; all of the packet when it is one piece */
	uint32_t transport;		/* where the checksum begins; 0 when there is none to make */
	uint32_t checksum_at;
	uint32_t piece;			/* bytes of payload a piece */
	uint32_t done;			/* bytes of payload cut */
	uint16_t index;
	bool is_tcp, is_super, finished;
};

/*
 * Begins with a parsed packet of `ip->length` bytes that stays until the last piece. False when header and packet do
 * not fit together, which no kernel produces.
 */
bool cut_begin(struct cutter *ret, const struct checksum *checksum, const struct virtio_net_hdr *header,
	       const uint8_t *packet, const struct ip_packet *ip);

/* The longest piece: all but the last have this length. */
uint32_t cut_longest(const struct cutter *cutter);

/* Writes the next piece into `out`, cut_longest() bytes at most, and returns its length; 0 after the last. */
uint32_t cut_next(struct cutter *cutter, uint8_t *out);

#endif
