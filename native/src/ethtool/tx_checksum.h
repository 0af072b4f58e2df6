/*
 * Whether a device computes checksums of what it sends (ethtool -K DEV tx on|off). Everything else of ethtool is not
 * here. Returns -errno and prints nothing.
 */
#ifndef FLANNELD_TX_CHECKSUM_H
#define FLANNELD_TX_CHECKSUM_H

#include <stdbool.h>

/* `netns`: path of the network namespace the device is in, for tests; NULL for the caller's. -ENODEV without the device. */
int tx_checksum_get(const char *device, const char *netns, bool *ret);
int tx_checksum_set(const char *device, const char *netns, bool on);

#endif
