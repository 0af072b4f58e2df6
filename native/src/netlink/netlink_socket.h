/*
 * A netlink socket with a thread of its own: datagrams in, datagrams out, in order. It knows nothing of node and
 * does not look into messages. Errors are -errno; nothing is printed. Threads, memory and lifetime: ../README.md.
 */
#ifndef FLANNELD_NETLINK_SOCKET_H
#define FLANNELD_NETLINK_SOCKET_H

#include <stddef.h>
#include <stdint.h>

struct netlink_socket;

/* Both are called on the socket's thread, one at a time, never after netlink_socket_close has returned. */
struct netlink_callbacks {
	/*
	 * Received messages, each datagram padded to 4 bytes, in the order of arrival. `data` is malloc'ed and now the
	 * callee's to free. Once it is consumed the owner says so with netlink_socket_consumed.
	 */
	void (*data)(void *context, uint8_t *data, size_t length);
	/*
	 * error < 0. With `sending`, a datagram was not sent. Otherwise receiving failed: -ENOBUFS or -EMSGSIZE when
	 * messages were lost and the socket goes on, -ENOMEM likewise; anything else, and the socket is deaf from now on.
	 */
	void (*error)(void *context, int error, int sending);
	void *context;
};

struct netlink_options {
	int protocol;			/* NETLINK_ROUTE, … */
	const uint32_t *groups;		/* multicast groups to join (RTNLGRP_*) */
	size_t group_count;
	int receive_buffer;		/* bytes; the kernel doubles it for its own bookkeeping */
	const char *netns;		/* path of the network namespace to open it in; NULL for the caller's. For tests. */
};

/* Opens the socket and starts its thread. Returns 0 and *ret, or -errno. */
int netlink_socket_open(struct netlink_socket **ret, const struct netlink_options *options,
			const struct netlink_callbacks *callbacks);

/* The address the kernel gave this socket: nlmsg_pid of answers, and of events that we caused. */
uint32_t netlink_socket_port(const struct netlink_socket *socket);

/* Queues a copy of one datagram. Any thread. Returns 0 or -errno (-ENOMEM, -EMSGSIZE). */
int netlink_socket_send(struct netlink_socket *socket, const void *data, size_t length);

/* Tells that `length` bytes handed to callbacks.data were consumed. Any thread. */
void netlink_socket_consumed(struct netlink_socket *socket, size_t length);

/*
 * Stops the thread, waits for it, closes the descriptors and frees the socket. Datagrams still queued are dropped.
 * Waits for a sendmsg that is under way, that is for the kernel to finish the requests in one datagram.
 * Must not be called on the socket's thread.
 */
void netlink_socket_close(struct netlink_socket *socket);

#endif
