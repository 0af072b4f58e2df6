/*
 * What the packet engine counts, one row each: name as JavaScript and the docs know it, and what one more means. Every
 * packet that is not delivered adds to exactly one counter that begins with `drop`. Holds no numbers itself.
 */
#ifndef FLANNELD_COUNTERS_H
#define FLANNELD_COUNTERS_H

#define PACKET_COUNTERS(X) \
	X(SENT_PACKETS, "sentPackets", "packets sent to peers") \
	X(SENT_BYTES, "sentBytes", "their bytes, without the outer headers") \
	X(SENT_CALLS, "sentCalls", "system calls that sent them") \
	X(RECEIVED_PACKETS, "receivedPackets", "packets received from peers and let in") \
	X(RECEIVED_BYTES, "receivedBytes", "their bytes, without the outer headers") \
	X(RECEIVED_CALLS, "receivedCalls", "system calls that received them") \
	X(DEVICE_READS, "deviceReads", "packets, large ones too, read from the TUN device") \
	X(DEVICE_WRITES, "deviceWrites", "packets, large ones too, written to the TUN device") \
	X(ICMP_SENT, "icmpSent", "ICMP errors told to senders behind the device") \
	X(GSO_REFUSED, "gsoRefused", "messages of many packets that the kernel refused, sent again one by one") \
	X(MERGE_REFUSED, "mergeRefused", "merged packets that the kernel refused, written again one by one") \
	X(DROP_DEVICE_MALFORMED, "dropDeviceMalformed", "packets out of the device that are no whole IP packets") \
	X(DROP_NO_ROUTE, "dropNoRoute", "packets out of the device to a destination that no peer has") \
	X(DROP_EXPIRED, "dropExpired", "packets out of the device whose hop limit ran out here") \
	X(DROP_TOO_BIG, "dropTooBig", "packets out of the device that do not fit and may not be fragmented") \
	X(DROP_SEND_FULL, "dropSendFull", "packets for which the socket's send buffer stayed full") \
	X(DROP_SEND_REFUSED, "dropSendRefused", "packets that the kernel refused to send: no route, a firewall, no memory") \
	X(DROP_OVERRUN, "dropOverrun", "messages that arrived faster than they were received") \
	X(DROP_TRUNCATED, "dropTruncated", "received messages longer than any packet, or shorter than they say") \
	X(DROP_MALFORMED, "dropMalformed", "received messages that are no IP packets") \
	X(DROP_CHECKSUM, "dropChecksum", "received packets with a wrong header checksum") \
	X(DROP_STRANGER, "dropStranger", "received packets from an address that is no peer") \
	X(DROP_OWN_SOURCE, "dropOwnSource", "received packets with a source in our own subnet") \
	X(DROP_FOREIGN_SOURCE, "dropForeignSource", "received packets with a source outside the sender's subnet (strict)") \
	X(DROP_CONGESTED, "dropCongested", "received packets marked as congested on the way whose flow does not heed marks") \
	X(DROP_DEVICE_REFUSED, "dropDeviceRefused", "received packets that the kernel did not take from us")

enum counter {
#define ROW(id, name, text) COUNTER_##id,
	PACKET_COUNTERS(ROW)
#undef ROW
	COUNTER_COUNT,
	/* No counter: the packet is fine. */
	COUNTER_NONE = COUNTER_COUNT
};

#endif
