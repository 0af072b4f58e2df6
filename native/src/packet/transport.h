/*
 * Where things are in TCP and UDP headers (RFC 9293, RFC 768). Constants only.
 */
#ifndef FLANNELD_TRANSPORT_H
#define FLANNELD_TRANSPORT_H

#define TCP_HEADER 20u
#define TCP_SEQUENCE 4
#define TCP_ACKNOWLEDGEMENT 8
#define TCP_DATA_OFFSET 12
#define TCP_FLAGS 13
#define TCP_WINDOW 14
#define TCP_CHECKSUM 16
#define TCP_URGENT 18

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_CWR 0x80

#define UDP_HEADER 8u
#define UDP_LENGTH 4
#define UDP_CHECKSUM 6

#endif
