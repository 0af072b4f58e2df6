/*
 * A smoke run of netlink_socket.c and sd_notify.c under the sanitizers: answers arrive whole, errors are errors,
 * closing is safe at any moment. Exit status 0, or the number of the line that failed. No privilege needed.
 */
#include "../src/netlink/netlink_socket.h"
#include "../src/sd_notify.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) _exit(__LINE__ % 256 == 0 ? 255 : __LINE__ % 256); } while (0)

struct answers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int links;
	int dones;
	int errors;
	struct netlink_socket *socket;
	int consume;
	size_t unconsumed;
};

/* As in netlink_socket.c. */
#define UNCONSUMED_BYTES (32u * 1024 * 1024)
#define CHUNK_BYTES (256u * 1024)

static void on_data(void *context, uint8_t *data, size_t length)
{
	struct answers *answers = context;

	pthread_mutex_lock(&answers->lock);
	for (size_t offset = 0; offset + sizeof(struct nlmsghdr) <= length;) {
		struct nlmsghdr header;

		memcpy(&header, data + offset, sizeof(header));
		CHECK(header.nlmsg_len >= sizeof(header) && header.nlmsg_len <= length - offset);
		answers->links += header.nlmsg_type == RTM_NEWLINK;
		answers->dones += header.nlmsg_type == NLMSG_DONE;
		offset += NLMSG_ALIGN(header.nlmsg_len);
	}
	if (answers->consume)
		netlink_socket_consumed(answers->socket, length);
	else
		answers->unconsumed += length;
	pthread_cond_signal(&answers->changed);
	pthread_mutex_unlock(&answers->lock);
	free(data);
}

static void on_error(void *context, int error, int sending)
{
	struct answers *answers = context;

	CHECK(error < 0);
	(void)sending;
	pthread_mutex_lock(&answers->lock);
	answers->errors++;
	pthread_mutex_unlock(&answers->lock);
}

static const struct { struct nlmsghdr header; struct ifinfomsg link; } request = {
	.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 },
};

static struct netlink_socket *open_socket(struct answers *answers)
{
	static const uint32_t groups[] = { RTNLGRP_LINK };
	const struct netlink_options options = {
		.protocol = NETLINK_ROUTE, .groups = groups, .group_count = 1, .receive_buffer = 1 << 20,
	};
	const struct netlink_callbacks callbacks = { .data = on_data, .error = on_error, .context = answers };
	struct netlink_socket *socket = NULL;

	CHECK(netlink_socket_open(&socket, &options, &callbacks) == 0);
	CHECK(netlink_socket_port(socket) != 0);
	return socket;
}

static void test_dumps(void)
{
	struct answers answers = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	struct netlink_socket *socket = open_socket(&answers);

	answers.socket = socket;
	answers.consume = 1;
	for (int round = 1; round <= 50; round++) {
		CHECK(netlink_socket_send(socket, &request, sizeof(request)) == 0);
		pthread_mutex_lock(&answers.lock);
		while (answers.dones < round)
			pthread_cond_wait(&answers.changed, &answers.lock);
		pthread_mutex_unlock(&answers.lock);
	}
	CHECK(answers.links >= 50 && answers.errors == 0);
	netlink_socket_close(socket);
}

/* Closing while requests are queued and answers arrive, which nobody consumes. */
static void test_close_under_load(void)
{
	for (int round = 0; round < 50; round++) {
		struct answers answers = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
		struct netlink_socket *socket = open_socket(&answers);

		for (int i = 0; i < 20; i++)
			CHECK(netlink_socket_send(socket, &request, sizeof(request)) == 0);
		if (round % 2 == 0)
			usleep((useconds_t)(round * 20));
		netlink_socket_close(socket);
	}
}

/* A reader that consumes nothing stops the thread at the limit; once it consumes, everything arrives. */
static void test_backpressure(void)
{
	struct answers answers = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	struct netlink_socket *socket = open_socket(&answers);
	int sent = 0;

	pthread_mutex_lock(&answers.lock);
	while (answers.unconsumed <= UNCONSUMED_BYTES) {
		for (int i = 0; i < 100; i++, sent++)
			CHECK(netlink_socket_send(socket, &request, sizeof(request)) == 0);
		while (answers.unconsumed <= UNCONSUMED_BYTES && answers.dones < sent)
			pthread_cond_wait(&answers.changed, &answers.lock);
	}
	for (int i = 0; i < 1000; i++, sent++)
		CHECK(netlink_socket_send(socket, &request, sizeof(request)) == 0);
	while (answers.dones < sent) {
		size_t consumed = answers.unconsumed;

		CHECK(consumed <= UNCONSUMED_BYTES + CHUNK_BYTES);
		answers.unconsumed = 0;
		netlink_socket_consumed(socket, consumed);
		pthread_cond_wait(&answers.changed, &answers.lock);
	}
	pthread_mutex_unlock(&answers.lock);
	CHECK(answers.errors == 0);
	netlink_socket_close(socket);
}

static void test_errors(void)
{
	struct answers answers = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	const struct netlink_callbacks callbacks = { .data = on_data, .error = on_error, .context = &answers };
	struct netlink_options options = { .protocol = 31, .receive_buffer = 4096 };
	static char large[2 * 1024 * 1024];
	struct netlink_socket *socket = NULL;
	static const uint32_t no_group[] = { 1u << 30 };

	CHECK(netlink_socket_open(&socket, &options, &callbacks) == -EPROTONOSUPPORT && socket == NULL);
	options.protocol = NETLINK_ROUTE;
	options.netns = "/nonexistent";
	CHECK(netlink_socket_open(&socket, &options, &callbacks) == -ENOENT && socket == NULL);
	options.netns = NULL;
	options.groups = no_group;
	options.group_count = 1;
	CHECK(netlink_socket_open(&socket, &options, &callbacks) == -EINVAL && socket == NULL);

	socket = open_socket(&answers);
	CHECK(netlink_socket_send(socket, large, sizeof(large)) == -EMSGSIZE);
	netlink_socket_close(socket);
}

static void test_notify(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[sizeof(address.sun_path)] = "@flanneld-test-", text[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t length = strlen(name);
	pid_t pid = getpid();
	char too_long[200];

	for (; pid > 0; pid /= 10)
		name[length++] = (char)('0' + pid % 10);
	name[length] = '\0';
	memcpy(address.sun_path + 1, name + 1, length - 1);
	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0);
	CHECK(sd_notify_send(name, "READY=1") == 0);
	CHECK(recv(fd, text, sizeof(text), 0) == 7 && memcmp(text, "READY=1", 7) == 0);
	close(fd);
	CHECK(sd_notify_send(name, "READY=1") == -ECONNREFUSED);
	CHECK(sd_notify_send("", "x") == -EINVAL && sd_notify_send("relative", "x") == -EINVAL);
	memset(too_long, 'a', sizeof(too_long));
	too_long[0] = '/';
	too_long[sizeof(too_long) - 1] = '\0';
	CHECK(sd_notify_send(too_long, "x") == -ENAMETOOLONG);
}

int main(void)
{
	test_dumps();
	test_close_under_load();
	test_backpressure();
	test_errors();
	test_notify();
	return 0;
}
