/*
 * The harness over a real TUN device: frames that AF_PACKET puts into it, with and without virtio headers, and what
 * the kernel's own stack sends through it; now and then the device is deleted under the engine.
 */
#define _GNU_SOURCE
#include "engine_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define DEVICE "wild0"

static int plain_socket, virtio_socket, inner_socket;

static void shell(const char *command)
{
	if (system(command) != 0)
		fprintf(stderr, "%s failed\n", command);
}

static void make_device(struct rig *rig)
{
	struct ifreq request = { .ifr_name = DEVICE, .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("no /dev/net/tun: not tested\n");
		exit(0);
	}
	CHECK(ioctl(fd, TUNSETIFF, &request) == 0 && ioctl(fd, TUNSETPERSIST, 1) == 0);
	close(fd);
	shell("ip addr add 10.5.1.0/32 dev " DEVICE " && ip -6 addr add fd05:1::fe/128 dev " DEVICE " nodad && ip link set " DEVICE
	      " mtu 1472 up && ip route add 10.5.0.0/16 dev " DEVICE " && ip -6 route add fd05::/16 dev " DEVICE);
	rig->options.multi_queue = true;
	rig->options.device_index = if_nametoindex(DEVICE);
	strcpy(rig->options.device, DEVICE);
}

static int packet_socket(bool virtio)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(0x0800), .sll_ifindex = (int)if_nametoindex(DEVICE) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	CHECK(fd >= 0 && (!virtio || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) == 0));
	CHECK(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	return fd;
}

/* What the kernel will not take, it says; nobody minds. */
static void feed_tun(struct wild *wild, struct rng *rng)
{
	static __thread uint8_t packet[PACKET_ROOM];
	size_t length = wild_packet(rng, packet, 0, (uint8_t)rng_below(rng, RIG_PEERS + 2));
	struct virtio_net_hdr virtio = wild_virtio(rng, packet, length);
	struct iovec parts[2] = { { .iov_base = &virtio, .iov_len = sizeof(virtio) }, { .iov_base = packet, .iov_len = length } };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	(void)wild;
	switch (rng_below(rng, 3)) {
	case 0:
		(void)!send(plain_socket, packet, length, 0);
		break;
	case 1:
		(void)!writev(virtio_socket, parts, 2);
		break;
	default:
		to.sin_addr.s_addr = htonl(0x0a050207 + (rng_below(rng, RIG_PEERS) << 8));
		(void)!sendto(inner_socket, packet, rng_below(rng, (uint32_t)length), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
	}
	if (rng_once_in(rng, 64))
		usleep(100);
}

/* The device goes away under the engine, which says so once. */
static void lose_device(struct rig *rig)
{
	double until = rig_now_ms() + 2000;
	int before = rig->failures;

	rig_open(rig);
	shell("ip link del " DEVICE);
	while (rig->failures == before && rig_now_ms() < until)
		usleep(500);
	usleep(10000);
	CHECK(rig->failures == before + 1 && rig->error == -EBADFD && rig->place != NULL);
	CHECK(rig_close(rig) < STOP_MS);
}

static void open_sockets(void)
{
	plain_socket = packet_socket(false);
	virtio_socket = packet_socket(true);
	inner_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(inner_socket >= 0);
}

static void close_sockets(void)
{
	close(plain_socket);
	close(virtio_socket);
	close(inner_socket);
}

void harness_tun(struct rng *rng, double until, struct totals *totals)
{
	struct rig rig;

	if (unshare(CLONE_NEWNET) < 0) {
		printf("no network namespace of our own: not tested\n");
		exit(0);
	}
	shell("ip link set lo up");
	rig_init(&rig);
	make_device(&rig);
	open_sockets();
	for (unsigned round = 0; rig_now_ms() < until; round++) {
		harness_configure(&rig, round);
		/* A device is as it was made: with a header or without. */
		rig.options.features |= FEATURE_VNET_HDR;
		rig_open(&rig);
		CHECK((engine_features(rig.engine) & ~rig.options.features) == 0);
		harness_rage(&rig, rng, feed_tun, 100 + (int)rng_below(rng, 100), totals);
		totals->rounds++;
		if (round % 8 != 0)
			continue;
		close_sockets();
		lose_device(&rig);
		make_device(&rig);
		open_sockets();
	}
	close_sockets();
	rig_destroy(&rig);
}
