/*
 * UDP sockets: options, binding, control messages.
 */
#include "udp_socket.h"

#include "features.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_RXQ_OVFL
#define SO_RXQ_OVFL 40
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

/* Some hundred of the largest messages: a burst that arrives while the thread is at work, or not yet awake. */
#define BUFFER_BYTES (8 * 1024 * 1024)

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* FORCE needs CAP_NET_ADMIN; without it the kernel cuts the size to net.core.rmem_max and wmem_max. */
static void enlarge(int fd)
{
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
}

/*
 * DF on every outer packet: one that does not fit is ours to cut, inside, where its sender wanted it whole or not; an
 * outer fragment would be reassembled at the peer's expense and lost as a whole. PROBE, which ignores what routers
 * say, would be a black hole.
 */
static int set_family_options(int fd, uint8_t version)
{
	int result;

	if (version == 4) {
		result = set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
		return result < 0 ? result : set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
	}
	result = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (result == 0)
		result = set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
	return result < 0 ? result : set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
}

static int bind_to(int fd, const struct udp_options *options)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(options->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(options->port) };
	int result;

	if (options->version == 4) {
		ip_write_address((uint8_t *)&v4.sin_addr, 4, options->source);
		result = bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	} else {
		ip_write_address((uint8_t *)&v6.sin6_addr, 6, options->source);
		result = bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
	}
	return result < 0 ? -errno : 0;
}

static void probe(int fd, uint32_t wanted, uint32_t *features)
{
	if ((wanted & FEATURE_UDP_GSO) != 0 && set_option(fd, SOL_UDP, UDP_SEGMENT, 0) == 0)
		*features |= FEATURE_UDP_GSO;
	if ((wanted & FEATURE_UDP_GRO) != 0 && set_option(fd, SOL_UDP, UDP_GRO, 1) == 0)
		*features |= FEATURE_UDP_GRO;
}

static int open_one(const struct udp_options *options, bool shares, uint32_t *features)
{
	int fd = socket(options->version == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result;

	if (fd < 0)
		return -errno;
	result = set_family_options(fd, options->version);
	if (result == 0 && shares)
		result = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (result == 0)
		result = bind_to(fd, options);
	if (result < 0) {
		close(fd);
		return result;
	}
	enlarge(fd);
	/* How many were lost for want of room: otherwise a loss that nobody sees. */
	(void)set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	probe(fd, options->wanted, features);
	return fd;
}

int udp_open(const struct udp_options *options, size_t count, int *ret_fds, uint32_t *ret_features)
{
	uint32_t features = 0;
	size_t opened = 0;
	int result = 0;

	for (; opened < count; opened++) {
		/*
		 * The first is bound alone, so that a socket of somebody else's stands in its way even if that one would
		 * share; only then it lets the others of ours join.
		 */
		ret_fds[opened] = open_one(options, opened > 0, &features);
		if (ret_fds[opened] < 0) {
			result = ret_fds[opened];
			break;
		}
		if (opened == 0 && count > 1)
			result = set_option(ret_fds[0], SOL_SOCKET, SO_REUSEPORT, 1);
		if (result < 0) {
			opened++;
			break;
		}
	}
	if (result == 0) {
		*ret_features = features;
		return 0;
	}
	while (opened > 0)
		close(ret_fds[--opened]);
	return result;
}

static struct cmsghdr *put(struct cmsghdr *at, struct msghdr *message, int level, int type, const void *value,
			   size_t length)
{
	at->cmsg_level = level;
	at->cmsg_type = type;
	at->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(at), value, length);
	message->msg_controllen += CMSG_SPACE(length);
	return (struct cmsghdr *)((uint8_t *)at + CMSG_SPACE(length));
}

void udp_write_control(struct msghdr *message, uint8_t *control, uint8_t version, uint16_t size, uint8_t traffic_class)
{
	struct cmsghdr *at = (struct cmsghdr *)(void *)control;
	int class = traffic_class;

	message->msg_control = control;
	message->msg_controllen = 0;
	if (size != 0)
		at = put(at, message, SOL_UDP, UDP_SEGMENT, &size, sizeof(size));
	if (class != 0 && version == 4)
		put(at, message, IPPROTO_IP, IP_TOS, &class, sizeof(class));
	else if (class != 0)
		put(at, message, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
	if (message->msg_controllen == 0)
		message->msg_control = NULL;
}

static void read_one(struct udp_received *ret, const struct cmsghdr *at)
{
	const uint8_t *data = CMSG_DATA(at);
	size_t length = at->cmsg_len - CMSG_LEN(0);
	int value = 0;

	if (length >= sizeof(value))
		memcpy(&value, data, sizeof(value));
	else if (length >= 1)
		value = data[0];
	if (at->cmsg_level == SOL_UDP && at->cmsg_type == UDP_GRO) {
		ret->size = value > 0 ? (uint32_t)value : 0;
	} else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_RXQ_OVFL) {
		ret->overruns = (uint32_t)value;
		ret->has_overruns = true;
	} else if ((at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TOS) ||
		   (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_TCLASS)) {
		ret->traffic_class = (uint8_t)value;
	}
}

void udp_read_control(struct udp_received *ret, struct msghdr *message)
{
	const struct sockaddr *name = message->msg_name;

	*ret = (struct udp_received){ 0 };
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
		size_t room = message->msg_controllen - (size_t)((uint8_t *)at - (uint8_t *)message->msg_control);

		/* The macros look at the length of none but the message before the next. */
		if (at->cmsg_len < CMSG_LEN(0) || at->cmsg_len > room)
			break;
		read_one(ret, at);
	}
	if (message->msg_namelen >= sizeof(struct sockaddr_in) && name->sa_family == AF_INET) {
		ret->version = 4;
		ret->sender = ip_read_address((const uint8_t *)&((const struct sockaddr_in *)name)->sin_addr, 4);
	} else if (message->msg_namelen >= sizeof(struct sockaddr_in6) && name->sa_family == AF_INET6) {
		ret->version = 6;
		ret->sender = ip_read_address((const uint8_t *)&((const struct sockaddr_in6 *)name)->sin6_addr, 6);
	}
}

int udp_path_mtu(const struct peer *peer)
{
	int fd = socket(peer->address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int mtu = 0, result;
	socklen_t length = sizeof(mtu);

	if (fd < 0)
		return -errno;
	/* Only a connected socket knows the MTU of its route (ip(7)). */
	if (connect(fd, &peer->address.any, peer->address_length) < 0 ||
	    getsockopt(fd, peer->version == 4 ? IPPROTO_IP : IPPROTO_IPV6, peer->version == 4 ? IP_MTU : IPV6_MTU, &mtu,
		       &length) < 0)
		result = -errno;
	else
		result = mtu;
	close(fd);
	return result;
}
