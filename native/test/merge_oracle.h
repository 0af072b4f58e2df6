/*
 * What a merger may do with a stream of packets: whatever it writes, cut again as the kernel would, must be the
 * packets it was given, byte for byte, and in order inside each flow. Used by the test and by the fuzz target.
 */
#ifndef FLANNELD_TEST_MERGE_ORACLE_H
#define FLANNELD_TEST_MERGE_ORACLE_H

#include "../src/packet/merge.h"

#include "packets.h"

struct oracle_packet {
	uint8_t *data;
	size_t length;
	uint64_t nodes, ports;		/* hashes: of the two addresses, of protocol and ports (0 without) */
};

struct oracle_list {
	struct oracle_packet *list;
	size_t count, room;
};

struct merge_oracle {
	struct merger merger;
	struct oracle_list given, written;
	struct rng refusals;
	uint32_t refuse_one_in;		/* of the merged packets; 0 for none */
	uint64_t merged_writes, refused, single_writes;
};

void oracle_init(struct merge_oracle *oracle, const struct checksum *checksum, bool tcp, bool udp);

/* Gives a packet as decapsulation does: only if its header is right. The merger works on a copy of the exact size. */
void oracle_give(struct merge_oracle *oracle, const uint8_t *packet, size_t length);

/* Flushes, judges, and forgets everything. */
void oracle_judge(struct merge_oracle *oracle);

#endif
