/*
 * From the peers to the device: receive, ask who sends and what, merge, write. What may not pass is counted by reason.
 */
#ifndef FLANNELD_DECAPSULATE_H
#define FLANNELD_DECAPSULATE_H

#include "lane.h"
#include "udp_socket.h"

#include "../packet/merge.h"

#include <netinet/in.h>

/* Messages of one call. Each has room for the longest; the buffers are reused. */
#define RECEIVE_MESSAGES 16
#define RECEIVE_BYTES 65536u

struct decapsulator {
	struct lane *lane;
	struct merger merger;
	struct peer *peer;		/* of the message at hand, NULL for a stranger that is let in */
	struct ip_address cleared;	/* the inner source that was found to be the peer's last: most packets have it too */
	uint8_t cleared_version;	/* 0 for none */
	uint32_t overruns;		/* as the socket said last */
	bool has_overruns;
	uint8_t *buffers;
	struct mmsghdr headers[RECEIVE_MESSAGES];
	struct iovec parts[RECEIVE_MESSAGES];
	struct sockaddr_in6 names[RECEIVE_MESSAGES];
	_Alignas(8) uint8_t controls[RECEIVE_MESSAGES][CONTROL_BYTES];
};

/* Returns 0 or -ENOMEM; destroy in either case. */
int decapsulator_init(struct decapsulator *decapsulator, struct lane *lane);
void decapsulator_destroy(struct decapsulator *decapsulator);

/* Carries what has arrived, a batch at most. Returns how many messages were received; 0 when there is nothing. */
unsigned decapsulate(struct decapsulator *decapsulator, const struct generation *generation);

#endif
