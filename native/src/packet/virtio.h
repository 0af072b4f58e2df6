/*
 * The header in front of every packet of a TUN device with IFF_VNET_HDR (linux/virtio_net.h, virtio 1.2 section
 * 5.1.6), as this processor's byte order has it. Names that older kernel headers lack are given here.
 */
#ifndef FLANNELD_VIRTIO_H
#define FLANNELD_VIRTIO_H

#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#endif
