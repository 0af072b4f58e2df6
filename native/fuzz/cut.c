/*
 * Fuzz target: a super-packet is cut. Input: a virtio header of ten bytes, the packet. What the kernel could have
 * produced must come out as valid packets; of the rest, no byte may be lost or read from elsewhere.
 */
#include "../src/packet/cut.h"

#include "fuzz.h"

/* Header and packet belong together, so that pieces have to be valid. */
static bool is_honest(const struct virtio_net_hdr *virtio, const uint8_t *packet, const struct ip_packet *ip)
{
	uint8_t type = virtio->gso_type & 0x7f, protocol;
	size_t at = packet_transport(packet, ip->length, &protocol);

	return at != 0 && at == virtio->csum_start && protocol == (type == VIRTIO_NET_HDR_GSO_UDP_L4 ? 17 : 6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr virtio;
	uint32_t length, pieces = 0;
	size_t done = 0, headers;
	struct ip_packet ip;
	struct cutter cutter;
	uint8_t *packet, *out;
	bool honest;

	if (size < sizeof(virtio))
		return 0;
	memcpy(&virtio, data, sizeof(virtio));
	packet = exact_copy(data + sizeof(virtio), size - sizeof(virtio));
	if (ip_parse(&ip, packet, size - sizeof(virtio), true) != IP_FINE ||
	    !cut_begin(&cutter, checksum_choose(size % 2 == 0), &virtio, packet, &ip)) {
		free(packet);
		return 0;
	}
	honest = virtio.gso_type != 0 && is_honest(&virtio, packet, &ip);
	headers = cutter.headers;
	CHECK(cut_longest(&cutter) <= 65535 && headers <= ip.length);
	out = malloc(cut_longest(&cutter));
	CHECK(out != NULL);
	while ((length = cut_next(&cutter, out)) > 0) {
		CHECK(length >= headers && length <= cut_longest(&cutter) && ++pieces <= 65535);
		CHECK(memcmp(out + headers, packet + headers + done, length - headers) == 0);
		CHECK(!honest || packet_is_valid(out, length));
		done += length - headers;
	}
	CHECK(done == ip.length - headers && cut_next(&cutter, out) == 0);
	free(out);
	free(packet);
	return 0;
}

size_t fuzz_example(struct rng *rng, uint8_t *out)
{
	struct virtio_net_hdr virtio = { .flags = 1 };
	size_t length = fuzz_packet(rng, out + sizeof(virtio));
	uint8_t protocol = 0;
	size_t at = packet_transport(out + sizeof(virtio), length, &protocol);

	virtio.gso_type = protocol == 17 ? 5 : out[sizeof(virtio)] >> 4 == 4 ? 1 : 4;
	virtio.csum_start = (uint16_t)at;
	virtio.csum_offset = protocol == 17 ? 6 : 16;
	virtio.gso_size = (uint16_t)(1 + rng_below(rng, 500));
	virtio.hdr_len = (uint16_t)(at + 20);
	if (rng_once_in(rng, 4))
		virtio.gso_type = 0;
	memcpy(out, &virtio, sizeof(virtio));
	return sizeof(virtio) + length;
}
