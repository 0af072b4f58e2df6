/*
 * Raw sockets through which the host sends the ICMP errors we have written. Opening and sending, nothing else.
 */
#ifndef FLANNELD_ICMP_SOCKET_H
#define FLANNELD_ICMP_SOCKET_H

#include "../packet/ip_packet.h"

/* Returns a descriptor or -errno: -EPERM without CAP_NET_RAW, -EAFNOSUPPORT without that version. */
int icmp_socket_open(int version);

/* Sends a whole packet, header included, to this address. Never waits. Returns 0 or -errno. */
int icmp_socket_send(int fd, int version, struct ip_address to, const uint8_t *packet, size_t length);

#endif
