/*
 * Attaching to a TUN device (Documentation/networking/tuntap.rst, drivers/net/tun.c).
 */
#include "tun_queue.h"

#include "features.h"

#include "../packet/virtio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Linux 6.2; the number is the kernel's for ever, whatever headers we are built with. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/*
 * Sets the device's offloads: all that are wanted, and what is left when the kernel knows less. Offloads are the
 * device's, not the queue's; a former life may have left others, so that none is set as well.
 */
static int set_offloads(int fd, uint32_t *features)
{
	const unsigned tso = TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, uso = TUN_F_USO4 | TUN_F_USO6;
	unsigned long offloads;

	for (;;) {
		offloads = (*features & FEATURE_VNET_HDR) == 0 ? 0
			 : TUN_F_CSUM | ((*features & FEATURE_TSO) != 0 ? tso : 0) |
			   ((*features & FEATURE_USO) != 0 ? uso : 0);
		if (ioctl(fd, TUNSETOFFLOAD, offloads) == 0)
			return 0;
		if (errno != EINVAL)
			return -errno;
		/* From the newest on, until the kernel agrees. */
		if ((*features & FEATURE_USO) != 0)
			*features &= ~(uint32_t)FEATURE_USO;
		else if ((*features & FEATURE_TSO) != 0)
			*features &= ~(uint32_t)FEATURE_TSO;
		else
			return offloads == 0 ? -EINVAL : 0;
	}
}

/* Attaching by name makes a device where there is none; that one vanishes again when the descriptor is closed. */
static int is_meant(const struct tun_options *options)
{
	unsigned index = if_nametoindex(options->name);

	if (index == 0)
		return -errno;
	return index == options->index ? 0 : -ENODEV;
}

static int attach(int fd, const struct tun_options *options, uint32_t *features)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int header = sizeof(struct virtio_net_hdr);
	unsigned known;
	int result;

	if (ioctl(fd, TUNGETFEATURES, &known) < 0)
		return -errno;
	if ((known & IFF_VNET_HDR) == 0)
		*features &= ~(uint32_t)(FEATURE_VNET_HDR | FEATURE_TSO | FEATURE_USO);
	if ((*features & FEATURE_VNET_HDR) != 0)
		request.ifr_flags |= IFF_VNET_HDR;
	if (options->multi_queue)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	strncpy(request.ifr_name, options->name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	result = is_meant(options);
	if (result < 0)
		return result;
	/* The length of the header is the device's too; ours has no fields beyond the first ten bytes. */
	if ((*features & FEATURE_VNET_HDR) != 0 && ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return -errno;
	return set_offloads(fd, features);
}

int tun_attach(const struct tun_options *options, size_t count, int *ret_fds, uint32_t *ret_features)
{
	uint32_t features = options->wanted;
	size_t opened = 0;
	int result = 0;

	while (result == 0 && opened < count) {
		int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0) {
			result = -errno;
			break;
		}
		ret_fds[opened++] = fd;
		result = attach(fd, options, &features);
	}
	if (result == 0) {
		*ret_features = features;
		return 0;
	}
	while (opened > 0)
		close(ret_fds[--opened]);
	return result;
}
