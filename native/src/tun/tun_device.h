/*
 * Makes TUN devices, which rtnetlink cannot, and lets them outlive the process that made them.
 * Not here: packets, and attaching to a device that exists.
 */
#ifndef FLANNELD_TUN_DEVICE_H
#define FLANNELD_TUN_DEVICE_H

#include <stdbool.h>

/*
 * Creates a TUN device of exactly that name and puts a descriptor attached to it, which does not block and is closed
 * on exec, into *ret_fd. The device is gone when the descriptor is closed, until tun_persist(). `netns` is the path of
 * the network namespace to make it in, NULL for the caller's own. Returns 0, or -errno: -EEXIST when any device has
 * the name, -ERANGE when it is empty or too long, -ENOENT (or -ENXIO, -ENODEV) without a usable /dev/net/tun, -EPERM.
 */
int tun_create(const char *name, bool multi_queue, const char *netns, int *ret_fd);

/* Lets the device stay when its last descriptor is closed. Returns 0 or -errno. */
int tun_persist(int fd);

#endif
