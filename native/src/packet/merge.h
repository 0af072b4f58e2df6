/*
 * Merging received packets of one flow into a super-packet, as GRO does, so that the kernel forwards one instead of
 * forty. Payload is not copied: a merged packet is a list of parts in the buffers that were given. Order inside a flow
 * is kept. Packets that are not surely alike go through as they came.
 */
#ifndef FLANNELD_MERGE_H
#define FLANNELD_MERGE_H

#include "checksum.h"
#include "ip_packet.h"
#include "virtio.h"

#include <sys/uio.h>

/* Flows that may be open at a time; one more finishes another, each in turn. */
#define MERGE_FLOWS 16
/* Packets in one: what the kernel's UDP takes (UDP_MAX_SEGMENTS before Linux 6.9), and 64 KiB of usual TCP segments. */
#define MERGE_PACKETS 64
#define MERGE_LONGEST_HEADER 120

/* One packet being built. The parts are: virtio header, IP and transport header, then a payload each. */
struct merge {
	const uint8_t *first;		/* the whole first packet, as it came; NULL for a slot that is free */
	struct ip_packet ip;		/* of the first */
	uint32_t headers;
	uint32_t size;			/* payload of the first, which all but the last have */
	uint32_t payload;		/* in all */
	uint32_t next_sequence;
	uint16_t next_id;
	uint16_t packets;
	bool verified;			/* the first one's transport checksum was found right */
	uint8_t last_flags;
	struct virtio_net_hdr virtio;
	uint8_t header[MERGE_LONGEST_HEADER];
	struct iovec parts[2 + MERGE_PACKETS];
};

struct merger {
	const struct checksum *checksum;
	bool tcp, udp;			/* what the device takes merged */
	/*
	 * Takes a finished packet: `parts[0]` is a virtio header, `count` parts in all. Returns 0 or -errno; -EINVAL for
	 * a merged one makes the merger offer its packets one by one. `packets` is how many it stands for.
	 */
	int (*write)(void *context, const struct iovec *parts, int count, uint32_t packets);
	void *context;
	uint64_t refused;		/* merged packets that were not taken as such */
	unsigned next;			/* the slot to evict next */
	struct merge flows[MERGE_FLOWS];
};

void merger_init(struct merger *merger, const struct checksum *checksum, bool tcp, bool udp,
		 int (*write)(void *, const struct iovec *, int, uint32_t), void *context);

/* Takes a packet, whose buffer must stay as it is until merger_flush(). */
void merger_add(struct merger *merger, const uint8_t *packet, const struct ip_packet *ip);

/* Finishes everything that is open. */
void merger_flush(struct merger *merger);

#endif
