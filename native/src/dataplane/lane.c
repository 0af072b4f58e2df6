/*
 * Writing to the device, and giving up.
 */
#include "lane.h"

#include "../packet/virtio.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

void lane_fail(struct lane *lane, int error, const char *place)
{
	if (lane->error != 0)
		return;
	lane->error = error;
	lane->error_place = place;
}

uint64_t lane_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int lane_write_device(struct lane *lane, const struct iovec *parts, int count, uint32_t packets)
{
	const struct virtio_net_hdr *header = parts[0].iov_base;
	bool plain = !lane_has(lane, FEATURE_VNET_HDR);
	ssize_t written;

	do
		written = plain ? writev(lane->tun_fd, parts + 1, count - 1) : writev(lane->tun_fd, parts, count);
	while (written < 0 && errno == EINTR);
	if (written >= 0) {
		lane_count(lane, COUNTER_DEVICE_WRITES, 1);
		return 0;
	}
	if (errno == EINVAL && header->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return -EINVAL;
	lane_count(lane, COUNTER_DROP_DEVICE_REFUSED, packets);
	/* Down (EIO) and out of memory pass; a device that was deleted (EBADFD) does not come back. */
	if (errno == EBADFD || errno == EBADF)
		lane_fail(lane, -errno, "write to the TUN device");
	return -errno;
}
