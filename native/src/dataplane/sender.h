/*
 * Packets on their way out: gathered in one area, grouped into messages of equal datagrams to one peer, sent by as few
 * system calls as can be. In the order in which they came. Decides nothing about packets.
 */
#ifndef FLANNELD_SENDER_H
#define FLANNELD_SENDER_H

#include "lane.h"
#include "udp_socket.h"

/* Gathered before it is sent: larger bursts are merged better at the other end, and cost fewer wake-ups. */
#define SENDER_HELD (768u * 1024)
/* One more super-packet with its headers still fits behind what is held. */
#define SENDER_AREA (SENDER_HELD + 256u * 1024)
#define SENDER_MESSAGES 64

struct outgoing {
	struct peer *peer;
	uint32_t offset, length;
	uint16_t size;			/* of each datagram but the last */
	uint16_t packets;
	uint8_t traffic_class;
	bool closed;			/* a shorter one ended it */
};

struct sender {
	struct lane *lane;
	/* A datagram did not fit the path; peer->path_mtu tells what does. The packet is the callee's to deal with. */
	void (*too_big)(void *context, struct peer *peer, const uint8_t *packet, uint32_t length);
	void *context;
	uint8_t *area;
	uint32_t used, count;
	uint32_t flushes;		/* since the user set it to 0 */
	bool waited;			/* in vain, for a socket that stays full: once a flush is enough */
	struct outgoing outgoing[SENDER_MESSAGES];
	struct mmsghdr headers[SENDER_MESSAGES];
	struct iovec parts[SENDER_MESSAGES];
	_Alignas(8) uint8_t controls[SENDER_MESSAGES][CONTROL_BYTES];
};

/* Returns 0 or -ENOMEM. */
int sender_init(struct sender *sender, struct lane *lane);
void sender_destroy(struct sender *sender);

/* Room for the next packet of up to `length` bytes; what is gathered is sent first when that is too much. */
uint8_t *sender_room(struct sender *sender, uint32_t length);

/* The packet of `length` bytes that was written to sender_room() goes to this peer. */
void sender_add(struct sender *sender, struct peer *peer, uint8_t traffic_class, uint32_t length);

/* True when it is time to flush. */
static inline bool sender_is_full(const struct sender *sender)
{
	return sender->used >= SENDER_HELD || sender->count == SENDER_MESSAGES;
}

void sender_flush(struct sender *sender);

/* Sends one packet at once, behind nothing that is gathered: flush before. For the rare ones. */
void sender_send_now(struct sender *sender, struct peer *peer, uint8_t traffic_class, const uint8_t *packet,
		     uint32_t length);

#endif
