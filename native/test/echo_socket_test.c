/*
 * echo_socket.c on the loopback of a network namespace of its own: requests are answered and seen, strangers' pings are
 * not, floods are bounded, and closing is safe at any moment. Needs CAP_NET_RAW.
 */
#include "../src/icmp/echo_packet.h"
#include "../src/icmp/echo_socket.h"

#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#define RATE_AND_BURST 1500

struct heard {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct echo_socket *socket;
	bool consume;
	int kinds[4];
	uint8_t last[4][ECHO_RECORD];
};

static void on_data(void *context, uint8_t *data, size_t length)
{
	struct heard *heard = context;

	CHECK(length > 0 && length % ECHO_RECORD == 0);
	pthread_mutex_lock(&heard->lock);
	for (size_t at = 0; at < length; at += ECHO_RECORD) {
		CHECK(data[at] < 4);
		heard->kinds[data[at]]++;
		memcpy(heard->last[data[at]], data + at, ECHO_RECORD);
	}
	if (heard->consume)
		echo_socket_consumed(heard->socket, length);
	pthread_cond_signal(&heard->changed);
	pthread_mutex_unlock(&heard->lock);
	free(data);
}

static void on_error(void *context, int error)
{
	(void)context;
	CHECK(error == 0);
}

static void open_socket(struct heard *heard, uint16_t identifier)
{
	const struct echo_callbacks callbacks = { .data = on_data, .error = on_error, .context = heard };

	*heard = (struct heard){ .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	CHECK(echo_socket_open(&heard->socket, identifier, NULL, &callbacks) == 0);
}

static int send_one(struct heard *heard, uint16_t sequence, uint16_t length, uint64_t *at)
{
	const struct echo_request request = {
		.destination = { 127, 0, 0, 1 }, .source = { 127, 0, 0, 2 }, .sequence = sequence, .length = length,
		.payload = (const uint8_t *)ECHO_MAGIC "payload!", .payload_length = 12,
	};

	return echo_socket_send(heard->socket, &request, at);
}

static void wait_for(struct heard *heard, int kind, int count)
{
	pthread_mutex_lock(&heard->lock);
	while (heard->kinds[kind] < count)
		pthread_cond_wait(&heard->changed, &heard->lock);
	pthread_mutex_unlock(&heard->lock);
}

static int count(struct heard *heard, int kind)
{
	int ret;

	pthread_mutex_lock(&heard->lock);
	ret = heard->kinds[kind];
	pthread_mutex_unlock(&heard->lock);
	return ret;
}

/* The newest record of a kind. */
static void newest(struct heard *heard, int kind, uint8_t record[ECHO_RECORD])
{
	pthread_mutex_lock(&heard->lock);
	memcpy(record, heard->last[kind], ECHO_RECORD);
	pthread_mutex_unlock(&heard->lock);
}

static uint64_t number(const uint8_t *at, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static void test_echo(void)
{
	struct heard ours, others;
	uint8_t reply[ECHO_RECORD];
	uint64_t at;

	open_socket(&ours, 0xabcd);
	open_socket(&others, 0xabce);
	CHECK(send_one(&ours, 7, 1400, &at) == 0);
	wait_for(&ours, ECHO_REPLY, 1);
	wait_for(&others, ECHO_REQUEST, 1);
	newest(&ours, ECHO_REPLY, reply);
	CHECK(memcmp(reply + 4, "\x7f\0\0\x01\x7f\0\0\x02", 8) == 0);
	CHECK(number(reply + 12, 2) == 0xabcd && number(reply + 14, 2) == 7 && number(reply + 16, 2) == 1400);
	CHECK(number(reply + 20, 4) == 1 && number(reply + 24, 8) >= at);
	CHECK(reply[3] == ECHO_PAYLOAD_MAX && memcmp(reply + 32, ECHO_MAGIC "payload!\0", 13) == 0);
	CHECK(send_one(&ours, 8, 0, &at) == 0);
	wait_for(&ours, ECHO_REPLY, 2);
	newest(&ours, ECHO_REPLY, reply);
	CHECK(number(reply + 16, 2) == ECHO_HEADERS + 12);
	echo_socket_close(ours.socket);
	echo_socket_close(others.socket);
	/* The other one saw the requests alone. */
	CHECK(others.kinds[ECHO_REPLY] == 0);
}

static void test_errors(void)
{
	struct heard heard;
	const struct echo_callbacks callbacks = { .data = on_data, .error = on_error, .context = &heard };
	struct echo_request request = { .destination = { 192, 0, 2, 1 } };
	struct echo_socket *none = NULL;
	uint64_t at;

	CHECK(echo_socket_open(&none, 1, "/nonexistent", &callbacks) == -ENOENT && none == NULL);
	open_socket(&heard, 1);
	CHECK(echo_socket_send(heard.socket, &request, &at) == -ENETUNREACH);
	request.payload_length = ECHO_PAYLOAD_MAX + 1;
	CHECK(echo_socket_send(heard.socket, &request, &at) == -EMSGSIZE);
	/* Beyond the MTU of the loopback, with DF. */
	CHECK(send_one(&heard, 1, 65535, &at) == 0);
	wait_for(&heard, ECHO_REPLY, 1);
	echo_socket_close(heard.socket);
}

/* What nobody consumes is bounded, and so is what comes too fast. */
static void test_flood(void)
{
	struct heard heard;
	uint64_t at, begun = 0, sent = 0;
	int allowed;

	open_socket(&heard, 2);
	pthread_mutex_lock(&heard.lock);
	heard.consume = true;
	pthread_mutex_unlock(&heard.lock);
	do {
		if (send_one(&heard, (uint16_t)sent, 0, &at) == 0 && sent++ == 0)
			begun = at;
	} while (at - begun < 1000000);
	while (count(&heard, ECHO_REPLY) + count(&heard, ECHO_REQUEST) + (int)echo_socket_dropped(heard.socket) < 1000)
		usleep(1000);
	usleep(100000);
	allowed = RATE_AND_BURST + 200;
	CHECK(count(&heard, ECHO_REPLY) <= allowed && count(&heard, ECHO_REQUEST) <= allowed);
	CHECK(sent < 2000 || echo_socket_dropped(heard.socket) > 0);
	echo_socket_close(heard.socket);
}

static void test_close_under_load(void)
{
	for (int round = 0; round < 50; round++) {
		struct heard heard;
		uint64_t at;

		open_socket(&heard, (uint16_t)round);
		for (uint16_t i = 0; i < 20; i++)
			CHECK(send_one(&heard, i, 0, &at) == 0);
		if (round % 2 == 0)
			usleep((useconds_t)(round * 20));
		echo_socket_close(heard.socket);
	}
}

int main(void)
{
	test_echo();
	test_errors();
	test_flood();
	test_close_under_load();
	return 0;
}
