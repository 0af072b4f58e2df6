/*
 * A raw ICMP socket for echo probes (IPv4), with a thread that receives. It hands up packets of the probe alone, and
 * no more of them than can be of use. Errors are -errno; nothing is printed. Threads and lifetime: ../../README.md.
 */
#define _GNU_SOURCE /* struct in_pktinfo */
#include "echo_socket.h"

#include "echo_open.h"
#include "echo_packet.h"
#include "token_bucket.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Records handed up and not yet consumed: of a program that does not run just now. */
#define UNCONSUMED (4096u * ECHO_RECORD)
/* Records of one call. */
#define BATCH 64u
/* Packets looked at before what was found is handed up. */
#define LOOKS 256u

struct echo_socket {
	struct echo_callbacks callbacks;
	int fd;
	int wake;			/* eventfd: it is time to stop */
	uint16_t identifier;
	pthread_t thread;
	atomic_bool stopping;
	atomic_size_t unconsumed;
	atomic_ullong dropped;
	uint8_t *out;			/* owner only: ECHO_PACKET_MAX */
	uint8_t *in;			/* thread only: ECHO_PACKET_MAX */
	uint8_t *batch;			/* thread only */
	size_t batched;
	/* Apart: a flood of requests, which anybody can send, must not keep answers away. */
	struct token_bucket answers, requests;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the thread ---- */

static void put_number(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static void write_record(uint8_t *record, const struct echo_packet *packet, uint32_t interface, uint64_t at)
{
	memset(record, 0, ECHO_RECORD);
	record[0] = (uint8_t)packet->kind;
	record[1] = packet->code;
	record[2] = packet->ttl;
	record[3] = packet->payload_length;
	memcpy(record + 4, packet->source, 4);
	memcpy(record + 8, packet->destination, 4);
	put_number(record + 12, packet->identifier, 2);
	put_number(record + 14, packet->sequence, 2);
	put_number(record + 16, packet->length, 2);
	put_number(record + 18, packet->mtu, 2);
	put_number(record + 20, interface, 4);
	put_number(record + 24, at, 8);
	memcpy(record + 32, packet->payload, packet->payload_length);
}

static void hand_up(struct echo_socket *s)
{
	uint8_t *data;

	if (s->batched == 0)
		return;
	data = malloc(s->batched);
	if (data != NULL) {
		memcpy(data, s->batch, s->batched);
		atomic_fetch_add(&s->unconsumed, s->batched);
		s->callbacks.data(s->callbacks.context, data, s->batched);
	} else {
		atomic_fetch_add(&s->dropped, s->batched / ECHO_RECORD);
	}
	s->batched = 0;
}

static void judge(struct echo_socket *s, size_t length, uint32_t interface)
{
	struct echo_packet packet;
	uint64_t now;

	if (!echo_parse(s->in, length, s->identifier, &packet))
		return;
	now = now_us();
	if (!token_bucket_take(packet.kind == ECHO_REQUEST ? &s->requests : &s->answers, now) ||
	    atomic_load(&s->unconsumed) + s->batched >= UNCONSUMED) {
		atomic_fetch_add(&s->dropped, 1);
		return;
	}
	write_record(s->batch + s->batched, &packet, interface, now);
	s->batched += ECHO_RECORD;
	if (s->batched == BATCH * ECHO_RECORD)
		hand_up(s);
}

static uint32_t interface_of(struct msghdr *message)
{
	struct in_pktinfo info;

	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control != NULL; control = CMSG_NXTHDR(message, control))
		if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(control), sizeof(info));
			return (uint32_t)info.ipi_ifindex;
		}
	return 0;
}

/* Returns 1 when a packet was read, 0 when there is none, or -errno. */
static int receive_one(struct echo_socket *s)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct iovec part = { .iov_base = s->in, .iov_len = ECHO_PACKET_MAX };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t received = recvmsg(s->fd, &message, 0);

	if (received < 0)
		return errno == EAGAIN ? 0 : errno == EINTR || errno == ENOMEM || errno == ENOBUFS ? 1 : -errno;
	judge(s, (size_t)received, interface_of(&message));
	return 1;
}

static void *run(void *argument)
{
	struct echo_socket *s = argument;
	struct pollfd fds[2] = { { .fd = s->fd, .events = POLLIN }, { .fd = s->wake, .events = POLLIN } };
	int result;

	while (!atomic_load(&s->stopping)) {
		if (poll(fds, 2, -1) < 0)
			continue; /* EINTR; the only other error, ENOMEM, passes. */
		result = fds[0].fd < 0 ? 0 : 1;
		/* Bounded: what was found among a flood of others' packets is handed up in the midst of it. */
		for (unsigned int looked = 0; result > 0 && looked < LOOKS; looked++)
			result = receive_one(s);
		hand_up(s);
		if (result < 0) {
			/* A negative descriptor is skipped by poll. */
			fds[0].fd = -1;
			s->callbacks.error(s->callbacks.context, result);
		}
	}
	return NULL;
}

/* Signals are the business of the program's other threads. */
static int start_thread(struct echo_socket *s)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -result;
}

/* ---- for the owner ---- */

static void release(struct echo_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->wake >= 0)
		close(s->wake);
	free(s->out);
	free(s->in);
	free(s->batch);
	free(s);
}

int echo_socket_open(struct echo_socket **ret, uint16_t identifier, const char *netns,
		     const struct echo_callbacks *callbacks)
{
	struct echo_socket *s = calloc(1, sizeof(*s));
	int result;

	if (s == NULL)
		return -ENOMEM;
	s->callbacks = *callbacks;
	s->identifier = identifier;
	s->fd = s->wake = -1;
	s->answers = s->requests = token_bucket_full(now_us());

	result = -ENOMEM;
	s->out = malloc(ECHO_PACKET_MAX);
	s->in = malloc(ECHO_PACKET_MAX);
	s->batch = malloc(BATCH * ECHO_RECORD);
	if (s->out == NULL || s->in == NULL || s->batch == NULL)
		goto fail;
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = -errno;
	if (s->wake < 0)
		goto fail;
	result = s->fd = echo_open(netns);
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

int echo_socket_send(struct echo_socket *s, const struct echo_request *request, uint64_t *sent_at)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct in_pktinfo info = { 0 };
	size_t needed = ECHO_HEADERS + request->payload_length;
	/* The IP header is the kernel's, 20 bytes without options. */
	size_t length = (request->length > needed ? request->length : needed) - 20;
	struct iovec part = { .iov_base = s->out, .iov_len = length };
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ssize_t sent;

	if (request->payload_length > ECHO_PAYLOAD_MAX)
		return -EMSGSIZE;
	echo_write(s->out, length, s->identifier, request->sequence, request->payload, request->payload_length);
	memcpy(&to.sin_addr, request->destination, sizeof(request->destination));
	memcpy(&info.ipi_spec_dst, request->source, sizeof(request->source));
	header->cmsg_level = IPPROTO_IP;
	header->cmsg_type = IP_PKTINFO;
	header->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(header), &info, sizeof(info));
	*sent_at = now_us();
	do {
		sent = sendmsg(s->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

void echo_socket_consumed(struct echo_socket *s, size_t length)
{
	atomic_fetch_sub(&s->unconsumed, length);
}

uint64_t echo_socket_dropped(struct echo_socket *s)
{
	return atomic_load(&s->dropped);
}

void echo_socket_close(struct echo_socket *s)
{
	const uint64_t one = 1;

	atomic_store(&s->stopping, true);
	/* Fails only when the counter is full, and then the thread is awake. */
	(void)!write(s->wake, &one, sizeof(one));
	pthread_join(s->thread, NULL);
	release(s);
}
