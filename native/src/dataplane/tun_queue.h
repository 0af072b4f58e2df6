/*
 * The queues of a TUN device that is there already: attaching, and finding out what the device can do. Who makes the
 * device, and its addresses and routes, is others' business.
 */
#ifndef FLANNELD_TUN_QUEUE_H
#define FLANNELD_TUN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tun_options {
	const char *name;
	unsigned index;			/* of the device that is meant: another one by its name is -ENODEV */
	bool multi_queue;		/* as the device was made; the other is -EINVAL */
	uint32_t wanted;		/* features of the device: VNET_HDR, TSO, USO */
};

/*
 * Attaches `count` queues, non-blocking. Returns 0, fds and the features found in *ret_features, or -errno: -ENOENT
 * without /dev/net/tun, -EPERM without the privilege, -EBUSY while another process has the queue.
 */
int tun_attach(const struct tun_options *options, size_t count, int *ret_fds, uint32_t *ret_features);

#endif
