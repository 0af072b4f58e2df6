/*
 * Raw sockets of protocol IPPROTO_RAW: they send what they are given, header included, and receive nothing (raw(7)).
 */
#include "icmp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

int icmp_socket_open(int version)
{
	int fd = socket(version == 4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	return fd < 0 ? -errno : fd;
}

int icmp_socket_send(int fd, int version, struct ip_address to, const uint8_t *packet, size_t length)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	ssize_t sent;

	if (version == 4) {
		ip_write_address((uint8_t *)&v4.sin_addr, 4, to);
		sent = sendto(fd, packet, length, MSG_DONTWAIT, (const struct sockaddr *)&v4, sizeof(v4));
	} else {
		ip_write_address((uint8_t *)&v6.sin6_addr, 6, to);
		sent = sendto(fd, packet, length, MSG_DONTWAIT, (const struct sockaddr *)&v6, sizeof(v6));
	}
	return sent < 0 ? -errno : 0;
}
