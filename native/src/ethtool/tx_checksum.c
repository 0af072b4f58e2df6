/*
 * Whether a device computes checksums of what it sends (ethtool -K DEV tx on|off). Everything else of ethtool is not
 * here. Returns -errno and prints nothing.
 */
#include "tx_checksum.h"

#include "../in_namespace.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct call {
	const char *device;
	struct ethtool_value value;
};

static int carry_out(void *argument)
{
	struct call *call = argument;
	struct ifreq request = { .ifr_data = (char *)&call->value };
	int fd, result;

	if (strlen(call->device) >= sizeof(request.ifr_name))
		return -ENODEV;
	strcpy(request.ifr_name, call->device);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	result = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
	close(fd);
	return result;
}

int tx_checksum_get(const char *device, const char *netns, bool *ret)
{
	struct call call = { .device = device, .value = { .cmd = ETHTOOL_GTXCSUM } };
	int result = in_namespace(netns, carry_out, &call);

	if (result < 0)
		return result;
	*ret = call.value.data != 0;
	return 0;
}

int tx_checksum_set(const char *device, const char *netns, bool on)
{
	struct call call = { .device = device, .value = { .cmd = ETHTOOL_STXCSUM, .data = on } };

	return in_namespace(netns, carry_out, &call);
}
