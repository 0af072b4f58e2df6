/*
 * IPv4 fragments out of a packet, or out of a fragment.
 */
#include "fragment.h"

#include "checksum.h"

bool fragment_begin(struct fragmenter *ret, const uint8_t *packet, const struct ip_packet *ip, uint32_t mtu)
{
	if (ip->version != 4 || ip->dont_fragment || mtu < FRAGMENT_LEAST_MTU)
		return false;
	*ret = (struct fragmenter){ .packet = packet, .ip = *ip, .payload = (mtu - ip->header) & ~7u };
	return true;
}

/*
 * Options without the copied flag belong to the first fragment alone; in the others they become "no operation", so
 * that all headers have one length (as the kernel does).
 */
static void blank_options(uint8_t *header, size_t length)
{
	for (size_t at = IPV4_HEADER; at < length;) {
		uint8_t type = header[at];
		size_t size = type <= 1 || at + 1 >= length ? 1 : header[at + 1];

		if (type == 0)
			return;
		if (size == 0 || at + size > length)
			size = length - at;
		if ((type & 0x80) == 0)
			memset(header + at, 1, size);
		at += size;
	}
}

size_t fragment_next(struct fragmenter *f, uint8_t *out)
{
	uint32_t left = f->ip.length - f->ip.header - f->done;
	uint32_t payload = left < f->payload ? left : f->payload;
	uint32_t offset = (f->ip.fragment_offset + f->done) / 8;
	bool more = f->ip.more_fragments || payload < left;

	if (payload == 0)
		return 0;
	memcpy(out, f->packet, f->ip.header);
	memcpy(out + f->ip.header, f->packet + f->ip.header + f->done, payload);
	if (f->done > 0)
		blank_options(out, f->ip.header);
	write16(out + 6, (more ? 0x2000u : 0u) | offset);
	ip_set_length(out, &f->ip, f->ip.header + payload, f->ip.id);
	f->done += payload;
	return f->ip.header + payload;
}
