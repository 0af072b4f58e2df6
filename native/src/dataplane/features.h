/*
 * What makes the engine fast, one row each: name as the command line and the docs know it, and what it is. Each is
 * probed when the engine opens, can be switched off, and has a slower way beside it.
 */
#ifndef FLANNELD_FEATURES_H
#define FLANNELD_FEATURES_H

#define DATAPLANE_FEATURES(X) \
	X(VNET_HDR, "vnet-hdr", "a header in front of each packet of the device, which the next three and merge need") \
	X(TSO, "tso", "the device hands over TCP in super-packets, unsegmented and without checksums") \
	X(USO, "uso", "the same for UDP, in both directions (Linux 6.2)") \
	X(MERGE, "merge", "received packets of one flow are handed to the kernel as one") \
	X(UDP_GSO, "udp-gso", "one message carries many datagrams out (UDP_SEGMENT, Linux 4.18)") \
	X(UDP_GRO, "udp-gro", "one message carries many datagrams in (UDP_GRO, Linux 5.0)") \
	X(MMSG, "mmsg", "one system call carries many messages, and packets are gathered for it") \
	X(SIMD, "simd", "checksums by vector instructions")

enum {
#define ROW(id, name, text) FEATURE_INDEX_##id,
	DATAPLANE_FEATURES(ROW)
#undef ROW
	FEATURE_COUNT
};

enum {
#define ROW(id, name, text) FEATURE_##id = 1 << FEATURE_INDEX_##id,
	DATAPLANE_FEATURES(ROW)
#undef ROW
};

#endif
