/*
 * Makes TUN devices, which rtnetlink cannot, and lets them outlive the process that made them.
 * Not here: packets, and attaching to a device that exists.
 */
#include "tun_device.h"

#include "../in_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct creation {
	const char *name;
	bool multi_queue;
	int fd;
};

static int create(void *argument)
{
	struct creation *creation = argument;
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL };
	int fd, result;

	if (creation->multi_queue)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(request.ifr_name, creation->name, strlen(creation->name) + 1);
	/* The namespace of the open is the one that the device will be in. */
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		/* With IFF_TUN_EXCL, EBUSY is said of every device of the name, also of one that is no TUN. */
		result = errno == EBUSY ? -EEXIST : -errno;
		close(fd);
		return result;
	}
	creation->fd = fd;
	return 0;
}

int tun_create(const char *name, bool multi_queue, const char *netns, int *ret_fd)
{
	struct creation creation = { .name = name, .multi_queue = multi_queue };
	int result;

	/* As rtnetlink answers. The kernel would make up a name for an empty one, and a number for a pattern. */
	if (name[0] == '\0' || strlen(name) >= IFNAMSIZ)
		return -ERANGE;
	if (strchr(name, '%') != NULL)
		return -EINVAL;
	result = in_namespace(netns, create, &creation);
	if (result < 0)
		return result;
	*ret_fd = creation.fd;
	return 0;
}

int tun_persist(int fd)
{
	return ioctl(fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;
}
