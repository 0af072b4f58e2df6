/*
 * Opens a netlink socket, bound and joined to its groups, if need be in another network namespace.
 * Not here: its thread, and everything that happens after.
 */
#include "netlink_open.h"

#include "../in_namespace.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int configure(int fd, const struct netlink_options *options)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int result;

	/* FORCE needs CAP_NET_ADMIN; without it the limit is net.core.rmem_max, which serves for reading. */
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, options->receive_buffer) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer);
	/* All three are refinements that old kernels lack: error texts, short acks, filters in dump requests. */
	(void)set_option(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
	(void)set_option(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
#ifdef NETLINK_GET_STRICT_CHK
	(void)set_option(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
#endif
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	for (size_t i = 0; i < options->group_count; i++) {
		result = set_option(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, (int)options->groups[i]);
		if (result < 0)
			return result;
	}
	return 0;
}

static int open_fd(void *argument)
{
	const struct netlink_options *options = argument;
	int fd, result;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, options->protocol);
	if (fd < 0)
		return -errno;
	result = configure(fd, options);
	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}

static int port_of(int fd, uint32_t *ret)
{
	struct sockaddr_nl address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	*ret = address.nl_pid;
	return 0;
}

/* A socket stays in the namespace it was opened in. */
int netlink_open(const struct netlink_options *options, uint32_t *port)
{
	int fd = in_namespace(options->netns, open_fd, (void *)options);
	int result;

	if (fd < 0)
		return fd;
	result = port_of(fd, port);
	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}
