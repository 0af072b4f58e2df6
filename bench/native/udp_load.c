/*
 * The UDP traffic of the benches: a source, a sink, an echo and who asks it, an ear for the first packet. One role a
 * run, one line of JSON at its end; batched system calls, so that it is not what is measured. Knows no namespaces.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SO_RCVBUFFORCE
#define SO_RCVBUFFORCE 33
#endif

#define BATCH 64
#define MAX_SIZE 1400
#define NANOSECONDS 1000000000LL

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list args;

	fputs("udp_load: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static int64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * NANOSECONDS + time.tv_nsec;
}

static void sleep_until(int64_t at)
{
	struct timespec time = {.tv_sec = at / NANOSECONDS, .tv_nsec = at % NANOSECONDS};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static long number(const char *text, long most)
{
	char *end = NULL;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < 0 || value > most)
		fail("%s: must be a number from 0 to %ld", text, most);
	return value;
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(port, 65535))};

	if (inet_pton(AF_INET, address, &result.sin_addr) != 1)
		fail("%s: not an IPv4 address", address);
	return result;
}

static int udp_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket: %s", strerror(errno));
	return fd;
}

/* Calls return every 100 ms, so that a signal that comes just before one is seen. */
static int listen_at(const char *address, const char *port)
{
	struct sockaddr_in local = address_of(address, port);
	struct sigaction action = {.sa_handler = stop};
	struct timeval patience = {.tv_usec = 100000};
	int fd = udp_socket(), buffer = 8 << 20;

	sigaction(SIGTERM, &action, NULL);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0)
		fail("bind %s:%s: %s", address, port, strerror(errno));
	puts("listening");
	fflush(stdout);
	return fd;
}

/* Counts until SIGTERM: packets, and the time from the first to the last. */
static void sink(const char *port)
{
	static char data[BATCH][2048];
	struct mmsghdr messages[BATCH];
	struct iovec pieces[BATCH];
	int fd = listen_at("0.0.0.0", port);
	uint64_t packets = 0;
	int64_t first = 0, last = 0;

	memset(messages, 0, sizeof(messages));
	for (int at = 0; at < BATCH; at++) {
		pieces[at] = (struct iovec){.iov_base = data[at], .iov_len = sizeof(data[at])};
		messages[at].msg_hdr.msg_iov = &pieces[at];
		messages[at].msg_hdr.msg_iovlen = 1;
	}
	while (!stopped) {
		int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);

		if (got <= 0)
			continue;
		last = now(CLOCK_MONOTONIC);
		if (packets == 0)
			first = last;
		packets += (uint64_t)got;
	}
	printf("{\"packets\":%" PRIu64 ",\"seconds\":%.6f}\n", packets, (double)(last - first) / NANOSECONDS);
}

/*
 * Sends packets of one size for some seconds, at a rate or, when that is 0, as fast as it can. Each message is one
 * packet, or with segments > 1 that many, cut by the kernel (UDP_SEGMENT). What the network refuses is not sent again.
 */
static void source(char *const args[])
{
	static char data[BATCH * MAX_SIZE];
	struct sockaddr_in to = address_of(args[0], args[1]);
	long size = number(args[2], MAX_SIZE), seconds_ms = number(args[3], 3600000);
	long rate = number(args[4], 100000000), segments = number(args[5], BATCH);
	struct mmsghdr messages[BATCH];
	struct iovec piece = {.iov_base = data, .iov_len = (size_t)(size * segments)};
	int fd = udp_socket();
	int gso = (int)size;
	uint64_t sent = 0, refused = 0;

	/* The timer's own slack of 50 us would make bursts of what is to be an even stream. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	if (segments > 1 && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &gso, sizeof(gso)) < 0)
		fail("UDP_SEGMENT: %s", strerror(errno));
	/* Not connected: a network that is not there yet answers with errors, and those are not for us. */
	memset(messages, 0, sizeof(messages));
	for (int at = 0; at < BATCH; at++) {
		messages[at].msg_hdr = (struct msghdr){
			.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &piece, .msg_iovlen = 1};
	}
	int64_t begin = now(CLOCK_MONOTONIC), end = begin + seconds_ms * 1000000, at = begin;

	while (at < end) {
		long due = BATCH;

		if (rate > 0) {
			due = (long)((double)rate * (double)(at - begin) / NANOSECONDS - (double)(sent + refused)) /
			      segments;
			if (due > BATCH)
				due = BATCH;
		}
		if (due > 0) {
			int done = sendmmsg(fd, messages, (unsigned int)due, 0);

			if (done > 0)
				sent += (uint64_t)(done * segments);
			else
				refused += (uint64_t)segments;
		}
		/* A fifth of a millisecond's packets at a time, unless it is late. */
		if (rate > 0 && due < BATCH)
			sleep_until(at + NANOSECONDS / 5000);
		at = now(CLOCK_MONOTONIC);
	}
	printf("{\"packets\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"seconds\":%.6f}\n", sent, refused,
	       (double)(at - begin) / NANOSECONDS);
}

/* Sends back whatever comes, until SIGTERM. */
static void echo(const char *port)
{
	char data[2048];
	int fd = listen_at("0.0.0.0", port);

	while (!stopped) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		ssize_t got = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &length);

		if (got >= 0)
			sendto(fd, data, (size_t)got, 0, (struct sockaddr *)&from, length);
	}
}

static int by_size(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

/* Round trips one after another, after a tenth as many that do not count; one without an answer in 200 ms is lost. */
static void ask(char *const args[])
{
	static char request[MAX_SIZE], reply[2048];
	struct sockaddr_in to = address_of(args[0], args[1]);
	long size = number(args[2], MAX_SIZE), count = number(args[3], 1000000), warm = count / 10;
	struct timeval patience = {.tv_usec = 200000};
	int fd = udp_socket();
	int64_t *times = calloc((size_t)count + 1, sizeof(*times));
	long answered = 0, lost = 0;

	if (times == NULL)
		fail("no memory for %ld times", count);
	if (size < (long)sizeof(long) || count < 1)
		fail("at least one request of at least %zu bytes", sizeof(long));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect: %s", strerror(errno));
	for (long turn = 0; turn < warm + count; turn++) {
		ssize_t got;
		int64_t begin = now(CLOCK_MONOTONIC);

		memcpy(request, &turn, sizeof(turn));
		if (send(fd, request, (size_t)size, 0) < 0)
			fail("send: %s", strerror(errno));
		/* A late answer to an earlier request is not this one's. */
		do
			got = recv(fd, reply, sizeof(reply), 0);
		while (got >= 0 && memcmp(request, reply, sizeof(turn)) != 0);
		if (turn < warm)
			continue;
		if (got < 0)
			lost++;
		else
			times[answered++] = now(CLOCK_MONOTONIC) - begin;
	}
	qsort(times, (size_t)answered, sizeof(*times), by_size);
	printf("{\"answered\":%ld,\"lost\":%ld,\"p50\":%.3f,\"p99\":%.3f}\n", answered, lost,
	       (double)times[answered / 2] / 1000, (double)times[answered * 99 / 100] / 1000);
	free(times);
}

/* Says when the first packet came, in milliseconds of the wall clock, and ends. */
static void first(const char *address, const char *port)
{
	char data[2048];
	int fd = listen_at(address, port);

	while (!stopped) {
		if (recv(fd, data, sizeof(data), 0) < 0)
			continue;
		printf("{\"at\":%.3f}\n", (double)now(CLOCK_REALTIME) / 1000000);
		return;
	}
}

int main(int argc, char *argv[])
{
	const char *role = argc > 1 ? argv[1] : "";

	if (strcmp(role, "sink") == 0 && argc == 3)
		sink(argv[2]);
	else if (strcmp(role, "echo") == 0 && argc == 3)
		echo(argv[2]);
	else if (strcmp(role, "source") == 0 && argc == 8)
		source(argv + 2);
	else if (strcmp(role, "ask") == 0 && argc == 6)
		ask(argv + 2);
	else if (strcmp(role, "first") == 0 && argc == 4)
		first(argv[2], argv[3]);
	else
		fail("sink PORT | echo PORT | first ADDRESS PORT | ask ADDRESS PORT SIZE COUNT |\n"
		     "\tsource ADDRESS PORT SIZE MILLISECONDS RATE SEGMENTS");
	return 0;
}
