/*
 * Sockets around an engine, for tests.
 */
#define _GNU_SOURCE
#include "engine_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

double rig_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct sockaddr_in loopback(unsigned last, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000000 + last) };
}

static int bound(unsigned last, uint16_t port)
{
	struct sockaddr_in name = loopback(last, port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1, buffer = 16 << 20;

	CHECK(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	CHECK(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one)) == 0);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A port that is free on every address of ours. */
static void bind_all(struct rig *rig)
{
	for (int attempt = 0; attempt < 50; attempt++) {
		struct sockaddr_in name;
		socklen_t length = sizeof(name);
		int probe = bound(1, 0);
		unsigned i = 0;

		CHECK(probe >= 0 && getsockname(probe, (struct sockaddr *)&name, &length) == 0);
		close(probe);
		rig->port = ntohs(name.sin_port);
		while (i <= RIG_PEERS && (rig->udp[i] = bound(2 + i, rig->port)) >= 0)
			i++;
		if (i > RIG_PEERS)
			return;
		while (i > 0)
			close(rig->udp[--i]);
	}
	CHECK(!"a free port");
}

static void on_failed(void *context, int error, const char *place)
{
	struct rig *rig = context;

	rig->error = error;
	rig->place = place;
	rig->failures++;
}

void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	bind_all(rig);
	for (unsigned i = 0; i < MAX_QUEUES; i++)
		rig->device[i] = -1;
	rig->options = (struct engine_options){
		.outer_version = 4, .source = { 0, 0x7f000001 }, .port = rig->port, .mtu = RIG_MTU,
		.icmp_v4 = { 0, 0x0a050100 }, .icmp_v6 = { UINT64_C(0xfd05000100000000), 0xfe },
		.own = { { 4, 24, { 0, 0x0a050100 } }, { 6, 64, { UINT64_C(0xfd05000100000000), 0 } } }, .own_count = 2,
		.filter = FILTER_ON, .queues = 1, .features = RIG_ALL_FEATURES,
	};
}

void rig_open(struct rig *rig)
{
	const struct engine_callbacks callbacks = { .failed = on_failed, .context = rig };
	const char *place = NULL;
	int ends[MAX_QUEUES], result, size = 4 << 20;

	if (rig->options.device[0] != '\0') {
		result = engine_open(&rig->engine, &rig->options, &callbacks, &place);
		CHECK(result == 0 || !fprintf(stderr, "open: %s: %s\n", place, strerror(-result)));
		rig_set_routes(rig, RIG_PEERS);
		return;
	}
	for (unsigned i = 0; i < rig->options.queues; i++) {
		int pair[2];

		CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
		for (int end = 0; end < 2; end++) {
			(void)setsockopt(pair[end], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
			(void)setsockopt(pair[end], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
		}
		ends[i] = pair[0];
		if (rig->device[i] >= 0)
			close(rig->device[i]);
		rig->device[i] = pair[1];
	}
	result = engine_open_over(&rig->engine, &rig->options, &callbacks, ends, FEATURE_VNET_HDR | FEATURE_TSO | FEATURE_USO, &place);
	CHECK(result == 0 || !fprintf(stderr, "open: %s: %s\n", place, strerror(-result)));
	rig_set_routes(rig, RIG_PEERS);
}

double rig_close(struct rig *rig)
{
	double from = rig_now_ms();

	engine_close(rig->engine);
	rig->engine = NULL;
	return rig_now_ms() - from;
}

void rig_destroy(struct rig *rig)
{
	for (unsigned i = 0; i < MAX_QUEUES; i++)
		if (rig->device[i] >= 0)
			close(rig->device[i]);
	for (unsigned i = 0; i <= RIG_PEERS; i++)
		close(rig->udp[i]);
}

void rig_set_routes(struct rig *rig, unsigned count)
{
	uint8_t records[2 * RIG_PEERS * ROUTE_RECORD] = { 0 };

	for (unsigned i = 0; i < 2 * count; i++) {
		uint8_t *record = records + i * ROUTE_RECORD;
		bool v6 = i % 2 == 1;

		record[RECORD_VERSION] = v6 ? 6 : 4;
		record[RECORD_LENGTH] = v6 ? 64 : 24;
		record[RECORD_PEER_VERSION] = 4;
		put32(record + RECORD_PREFIX, v6 ? 0xfd050000 + 2 + i / 2 : 0x0a050000 + ((2 + i / 2) << 8));
		put32(record + RECORD_PEER, 0x7f000000 + 2 + i / 2);
	}
	CHECK(engine_set_routes(rig->engine, records, 2 * count) == 0);
}

static void place_node(uint8_t *address, int version, uint8_t node)
{
	if (version == 4) {
		address[0] = 10;
		address[1] = 5;
		address[2] = (uint8_t)(1 + node);
		return;
	}
	memset(address, 0, 8);
	put32(address, 0xfd050000u + 1 + node);
}

void rig_address(struct packet_spec *spec, uint8_t from, uint8_t to)
{
	place_node(spec->source, spec->version, from);
	place_node(spec->destination, spec->version, to);
}

void rig_device_send(struct rig *rig, unsigned queue, const struct virtio_net_hdr *virtio, const uint8_t *packet, size_t length)
{
	static const struct virtio_net_hdr none;
	bool plain = (rig->options.features & FEATURE_VNET_HDR) == 0;
	struct iovec parts[2] = { { .iov_base = (void *)(virtio == NULL ? &none : virtio), .iov_len = sizeof(none) },
				  { .iov_base = (void *)packet, .iov_len = length } };
	struct pollfd poll_fd = { .fd = rig->device[queue], .events = POLLOUT };

	while (writev(rig->device[queue], parts + plain, 2 - plain) < 0) {
		if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
			return;
		CHECK(errno == EAGAIN || errno == EINTR || errno == ENOBUFS);
		(void)poll(&poll_fd, 1, 10);
	}
}

int rig_device_receive(struct rig *rig, struct virtio_net_hdr *virtio, uint8_t *packet, int wait_ms)
{
	bool plain = (rig->options.features & FEATURE_VNET_HDR) == 0;
	struct iovec parts[2] = { { .iov_base = virtio, .iov_len = sizeof(*virtio) }, { .iov_base = packet, .iov_len = PACKET_ROOM } };
	struct pollfd fds[MAX_QUEUES];
	unsigned queues = rig->options.queues;

	memset(virtio, 0, sizeof(*virtio));
	for (unsigned i = 0; i < queues; i++)
		fds[i] = (struct pollfd){ .fd = rig->device[i], .events = POLLIN };
	if (poll(fds, queues, wait_ms) <= 0)
		return -1;
	for (unsigned i = 0; i < queues; i++) {
		ssize_t length = (fds[i].revents & POLLIN) == 0 ? -1 : readv(rig->device[i], parts + plain, 2 - plain);

		if (length > 0)
			return (int)length - (plain ? 0 : (int)sizeof(*virtio));
	}
	return -1;
}

void rig_udp_send(struct rig *rig, unsigned peer, uint8_t class, uint16_t size, const uint8_t *data, size_t length)
{
	struct sockaddr_in name = loopback(1, rig->port);
	_Alignas(8) uint8_t control[128] = { 0 };
	struct iovec part = { .iov_base = (void *)data, .iov_len = length };
	struct msghdr message = { .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *at = (struct cmsghdr *)(void *)control;
	int value = class;

	*at = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TOS, .cmsg_len = CMSG_LEN(sizeof(value)) };
	memcpy(CMSG_DATA(at), &value, sizeof(value));
	message.msg_control = control;
	message.msg_controllen = CMSG_SPACE(sizeof(value));
	if (size != 0) {
		at = (struct cmsghdr *)(void *)(control + CMSG_SPACE(sizeof(value)));
		*at = (struct cmsghdr){ .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(size)) };
		memcpy(CMSG_DATA(at), &size, sizeof(size));
		message.msg_controllen += CMSG_SPACE(sizeof(size));
	}
	/* Nobody may be there: the engine is being opened again. */
	if (sendmsg(rig->udp[peer], &message, 0) < 0)
		CHECK(errno == ECONNREFUSED || errno == ENOBUFS || errno == EAGAIN);
}

int rig_udp_receive(struct rig *rig, unsigned peer, uint8_t *data, uint8_t *class, int wait_ms)
{
	_Alignas(8) uint8_t control[128];
	struct iovec part = { .iov_base = data, .iov_len = PACKET_ROOM };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct pollfd poll_fd = { .fd = rig->udp[peer], .events = POLLIN };
	ssize_t length;

	if (poll(&poll_fd, 1, wait_ms) <= 0)
		return -1;
	length = recvmsg(rig->udp[peer], &message, MSG_DONTWAIT);
	if (length < 0 || class == NULL)
		return (int)length;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at))
		if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TOS)
			*class = *CMSG_DATA(at);
	return (int)length;
}
