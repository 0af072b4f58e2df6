/*
 * A raw ICMP socket for echo probes (IPv4), with a thread that receives. It hands up packets of the probe alone, and
 * no more of them than can be of use. Errors are -errno; nothing is printed. Threads and lifetime: ../../README.md.
 */
#ifndef FLANNELD_ECHO_SOCKET_H
#define FLANNELD_ECHO_SOCKET_H

#include <stddef.h>
#include <stdint.h>

struct echo_socket;

/*
 * One received packet as it is handed up; numbers in network order:
 *   0 kind  1 code  2 ttl  3 payload length  4 source  8 destination  12 identifier  14 sequence  16 length  18 mtu
 *   20 interface  24 microseconds of CLOCK_MONOTONIC (8 bytes)  32 payload
 */
#define ECHO_RECORD 96u

/* Both are called on the socket's thread, one at a time, never after echo_socket_close has returned. */
struct echo_callbacks {
	/* Records one after the other; `data` is malloc'ed and now the callee's to free, and to tell of as consumed. */
	void (*data)(void *context, uint8_t *data, size_t length);
	/* error < 0: receiving failed for good. */
	void (*error)(void *context, int error);
	void *context;
};

struct echo_request {
	uint8_t destination[4];
	uint8_t source[4];		/* all zeros: the kernel's choice */
	uint16_t sequence;
	uint16_t length;		/* of the whole IP packet; raised to what headers and payload need */
	const uint8_t *payload;
	size_t payload_length;		/* ECHO_PAYLOAD_MAX at the most */
};

/*
 * Opens the socket and starts its thread. `identifier` is that of the requests. Needs CAP_NET_RAW: -EPERM without.
 * With `netns` in the network namespace of that path, for tests. Returns 0 and *ret, or -errno.
 */
int echo_socket_open(struct echo_socket **ret, uint16_t identifier, const char *netns,
		     const struct echo_callbacks *callbacks);

/*
 * Sends a request with DF, never waiting, and gives the microseconds of CLOCK_MONOTONIC just before. The owner's
 * thread alone. Returns 0 or -errno: -EMSGSIZE beyond the MTU of the interface, -EAGAIN where its queue is full.
 */
int echo_socket_send(struct echo_socket *socket, const struct echo_request *request, uint64_t *sent_at);

/* Tells that `length` bytes handed to callbacks.data were consumed. Any thread. */
void echo_socket_consumed(struct echo_socket *socket, size_t length);

/* How many packets of the probe were not handed up because they were too many. Any thread. */
uint64_t echo_socket_dropped(struct echo_socket *socket);

/* Stops the thread, waits for it, closes the descriptors and frees the socket. Not on the socket's own thread. */
void echo_socket_close(struct echo_socket *socket);

#endif
