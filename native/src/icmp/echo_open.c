/*
 * Opens a raw ICMP socket with the options of the probe, if need be in another network namespace. Not here: its thread.
 */
#include "echo_open.h"

#include "../in_namespace.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* A few hundred packets of full size: what may come while the thread does not run. */
#define RECEIVE_BUFFER (1024 * 1024)

static int configure(int fd)
{
	/* A bit that is set keeps packets of that type away. */
	const struct icmp_filter filter = {
		.data = ~(1u << ICMP_ECHOREPLY | 1u << ICMP_ECHO | 1u << ICMP_DEST_UNREACH),
	};
	/* DF on everything, whatever the kernel remembers of a path: what it remembers is to be found out. */
	const int discover = IP_PMTUDISC_PROBE, on = 1, size = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

static int open_fd(void *argument)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	int result;

	(void)argument;
	if (fd < 0)
		return -errno;
	result = configure(fd);
	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}

int echo_open(const char *netns)
{
	return in_namespace(netns, open_fd, NULL);
}
