/*
 * Fuzz target: what the kernel tells beside a message is read. Input: one byte (length of the name), the name, then
 * control messages as they lie in memory.
 */
#define _GNU_SOURCE
#include "../src/dataplane/udp_socket.h"

#include "fuzz.h"

#include <netinet/udp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t name_length = size == 0 ? 0 : data[0] % 40u;
	struct udp_received received;
	uint8_t *name, *control;
	struct msghdr message;

	if (size < 1 + name_length)
		return 0;
	size -= 1 + name_length;
	name = exact_copy(data + 1, name_length);
	control = exact_copy(data + 1 + name_length, size);
	message = (struct msghdr){
		.msg_name = name, .msg_namelen = (socklen_t)name_length, .msg_control = control, .msg_controllen = size,
	};
	memset(&received, 0xee, sizeof(received));
	udp_read_control(&received, &message);
	CHECK(received.version == 0 || received.version == 4 || received.version == 6);
	CHECK(received.size <= INT32_MAX && (received.has_overruns || received.overruns == 0));
	free(name);
	free(control);
	return 0;
}

/* What a socket of ours gets: overruns, traffic class, size of the datagrams. */
size_t fuzz_example(struct rng *rng, uint8_t *out)
{
	_Alignas(8) uint8_t control[CONTROL_BYTES] = { 0 };
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = 1, .sin_addr.s_addr = (in_addr_t)rng_next(rng) };
	struct msghdr message = { 0 };
	struct udp_received received;

	udp_write_control(&message, control, 4, (uint16_t)rng_next(rng), (uint8_t)rng_next(rng));
	message.msg_name = &name;
	message.msg_namelen = sizeof(name);
	udp_read_control(&received, &message);
	/* UDP_SEGMENT on the way out is UDP_GRO, an int, on the way in. */
	if (message.msg_controllen >= CMSG_SPACE(sizeof(int)))
		((struct cmsghdr *)(void *)control)->cmsg_type = 104;
	out[0] = sizeof(name);
	memcpy(out + 1, &name, sizeof(name));
	memcpy(out + 1 + sizeof(name), control, message.msg_controllen);
	return 1 + sizeof(name) + message.msg_controllen;
}
