/*
 * A netlink socket with a thread of its own: datagrams in, datagrams out, in order. It knows nothing of node and
 * does not look into messages. Errors are -errno; nothing is printed. Threads, memory and lifetime: ../README.md.
 */
#include "netlink_socket.h"

#include "netlink_open.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* One chunk handed up; a datagram (at most 32 KiB in a dump) must still fit into the last quarter. */
#define CHUNK_BYTES (256u * 1024)
#define DATAGRAM_BYTES (64u * 1024)
/*
 * Chunks handed up and not yet consumed. Above it the thread stops reading: the kernel's buffer fills up, and the
 * kernel says ENOBUFS, which every reader of netlink must be able to take anyway.
 */
#define UNCONSUMED_BYTES (32u * 1024 * 1024)
/* Longer than any batch; the kernel refuses datagrams beyond its send buffer. */
#define SEND_BYTES (1024u * 1024)

struct outgoing {
	struct outgoing *next;
	size_t length;
	uint8_t data[];
};

/*
 * How long events are let gather before they are read. A burst of thousands would otherwise wake the thread for each
 * of them, which costs more than they do; the receive buffer holds some 3,000 (4 MiB).
 */
#define GATHER_MS 1

struct netlink_socket {
	struct netlink_callbacks callbacks;
	int fd;
	int wake;			/* eventfd: something was queued, consumed, or it is time to stop */
	uint32_t port;
	pthread_t thread;
	pthread_mutex_t lock;		/* guards head and tail */
	struct outgoing *head;
	struct outgoing **tail;
	atomic_bool stopping;
	atomic_size_t unconsumed;
	bool listening;			/* joined groups; set before the thread starts */
	bool deaf;			/* thread only: receiving has failed for good */
	uint8_t *chunk;			/* thread only: CHUNK_BYTES */
};

/* ---- the thread ---- */

static void hand_up(struct netlink_socket *s, size_t length)
{
	uint8_t *data;

	if (length == 0)
		return;
	data = malloc(length);
	if (data == NULL) {
		s->callbacks.error(s->callbacks.context, -ENOMEM, 0);
		return;
	}
	memcpy(data, s->chunk, length);
	atomic_fetch_add(&s->unconsumed, length);
	s->callbacks.data(s->callbacks.context, data, length);
}

/*
 * Appends one datagram to the chunk at *length. Returns 1 when one was read (or skipped), 0 when there is none,
 * or -errno.
 */
static int receive_one(struct netlink_socket *s, size_t *length)
{
	struct sockaddr_nl sender;
	struct iovec part = { .iov_base = s->chunk + *length, .iov_len = CHUNK_BYTES - *length };
	struct msghdr message = {
		.msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &part, .msg_iovlen = 1,
	};
	ssize_t received = recvmsg(s->fd, &message, 0);
	size_t aligned;

	if (received < 0)
		return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
	/* Other processes may send to our port; only the kernel, whose port is 0, is believed. */
	if (message.msg_namelen < sizeof(sender) || sender.nl_pid != 0)
		return 1;
	if (message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	aligned = NLMSG_ALIGN((size_t)received);
	memset(s->chunk + *length + received, 0, aligned - (size_t)received);
	*length += aligned;
	return 1;
}

static bool throttled(struct netlink_socket *s)
{
	return atomic_load(&s->unconsumed) > UNCONSUMED_BYTES;
}

/* Reads what there is. What was received before an error is handed up before the error is told. */
static void receive_all(struct netlink_socket *s)
{
	size_t length = 0;
	int result = 1;

	while (result != 0 && !s->deaf && !throttled(s) && !atomic_load(&s->stopping)) {
		result = receive_one(s, &length);
		if (result < 0 || CHUNK_BYTES - length < DATAGRAM_BYTES) {
			hand_up(s, length);
			length = 0;
		}
		if (result < 0) {
			s->deaf = result != -ENOBUFS && result != -EMSGSIZE && result != -ENOMEM;
			s->callbacks.error(s->callbacks.context, result, 0);
		}
	}
	hand_up(s, length);
}

static struct outgoing *take(struct netlink_socket *s)
{
	struct outgoing *first;

	pthread_mutex_lock(&s->lock);
	first = s->head;
	if (first != NULL) {
		s->head = first->next;
		if (s->head == NULL)
			s->tail = &s->head;
	}
	pthread_mutex_unlock(&s->lock);
	return first;
}

/*
 * The kernel carries out the requests of a datagram inside sendmsg; their answers wait in the receive buffer by the
 * time it returns. So receive after each, lest the answers of many overflow it.
 */
static void send_all(struct netlink_socket *s)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct outgoing *datagram;
	ssize_t sent;

	while (!atomic_load(&s->stopping) && !throttled(s) && (datagram = take(s)) != NULL) {
		do {
			sent = sendto(s->fd, datagram->data, datagram->length, 0,
				      (const struct sockaddr *)&kernel, sizeof(kernel));
		} while (sent < 0 && errno == EINTR);
		if (sent < 0)
			s->callbacks.error(s->callbacks.context, -errno, 1);
		free(datagram);
		receive_all(s);
	}
}

static void *run(void *argument)
{
	struct netlink_socket *s = argument;
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = s->wake, .events = POLLIN } };
	uint64_t count;

	while (!atomic_load(&s->stopping)) {
		/* A negative descriptor is skipped by poll. */
		fds[0].fd = s->deaf || throttled(s) ? -1 : s->fd;
		if (poll(fds, 2, -1) < 0)
			continue; /* EINTR; the only other error, ENOMEM, passes. */
		if (fds[1].revents != 0)
			(void)!read(s->wake, &count, sizeof(count));
		else if (s->listening)
			(void)poll(&fds[1], 1, GATHER_MS);
		receive_all(s);
		send_all(s);
	}
	return NULL;
}

/* Signals are the business of the program's other threads. */
static int start_thread(struct netlink_socket *s)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -result;
}

static void wake(struct netlink_socket *s)
{
	const uint64_t one = 1;

	/* Fails only when the counter is full, and then the thread is awake. */
	(void)!write(s->wake, &one, sizeof(one));
}

/* ---- for the owner ---- */

static void release(struct netlink_socket *s)
{
	struct outgoing *datagram;

	while ((datagram = take(s)) != NULL)
		free(datagram);
	if (s->fd >= 0)
		close(s->fd);
	if (s->wake >= 0)
		close(s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->chunk);
	free(s);
}

int netlink_socket_open(struct netlink_socket **ret, const struct netlink_options *options,
			const struct netlink_callbacks *callbacks)
{
	struct netlink_socket *s = calloc(1, sizeof(*s));
	int result;

	if (s == NULL)
		return -ENOMEM;
	s->callbacks = *callbacks;
	s->listening = options->group_count > 0;
	s->fd = s->wake = -1;
	s->tail = &s->head;
	pthread_mutex_init(&s->lock, NULL);

	result = -ENOMEM;
	s->chunk = malloc(CHUNK_BYTES);
	if (s->chunk == NULL)
		goto fail;
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = -errno;
	if (s->wake < 0)
		goto fail;
	result = s->fd = netlink_open(options, &s->port);
	if (result < 0)
		goto fail;
	result = start_thread(s);
	if (result < 0)
		goto fail;
	*ret = s;
	return 0;
fail:
	release(s);
	return result;
}

uint32_t netlink_socket_port(const struct netlink_socket *s)
{
	return s->port;
}

int netlink_socket_send(struct netlink_socket *s, const void *data, size_t length)
{
	struct outgoing *datagram;

	if (length > SEND_BYTES)
		return -EMSGSIZE;
	datagram = malloc(sizeof(*datagram) + length);
	if (datagram == NULL)
		return -ENOMEM;
	datagram->next = NULL;
	datagram->length = length;
	memcpy(datagram->data, data, length);

	pthread_mutex_lock(&s->lock);
	*s->tail = datagram;
	s->tail = &datagram->next;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	return 0;
}

void netlink_socket_consumed(struct netlink_socket *s, size_t length)
{
	size_t before = atomic_fetch_sub(&s->unconsumed, length);

	if (before > UNCONSUMED_BYTES && before - length <= UNCONSUMED_BYTES)
		wake(s);
}

void netlink_socket_close(struct netlink_socket *s)
{
	atomic_store(&s->stopping, true);
	wake(s);
	pthread_join(s->thread, NULL);
	release(s);
}
