/*
 * Making and judging packets for tests.
 */
#include "packets.h"

#include <errno.h>

struct packet_spec packet_random(struct rng *rng, int version, uint8_t protocol)
{
	struct packet_spec spec = { .version = version, .protocol = protocol };

	rng_fill(rng, spec.source, 16);
	rng_fill(rng, spec.destination, 16);
	spec.source[0] = version == 4 ? 10 : 0xfd;
	spec.destination[0] = version == 4 ? 10 : 0xfd;
	spec.source_port = (uint16_t)(1 + rng_below(rng, 65535));
	spec.destination_port = (uint16_t)(1 + rng_below(rng, 65535));
	/* Near the end of the number space every second time. */
	spec.sequence = rng_once_in(rng, 2) ? UINT32_MAX - rng_below(rng, 40000) : (uint32_t)rng_next(rng);
	spec.acknowledgement = (uint32_t)rng_next(rng);
	spec.flags = 0x10;
	spec.window = (uint16_t)rng_next(rng);
	spec.options_length = (uint8_t)(4 * (rng_once_in(rng, 2) ? 3 : rng_below(rng, 11)));
	rng_fill(rng, spec.options, sizeof(spec.options));
	spec.class = (uint8_t)rng_next(rng);
	spec.ttl = (uint8_t)(2 + rng_below(rng, 254));
	spec.id = rng_once_in(rng, 4) ? (uint16_t)(65535 - rng_below(rng, 20)) : (uint16_t)rng_next(rng);
	spec.fragment = rng_once_in(rng, 2) ? 0x4000 : 0;
	spec.label = rng_below(rng, 1 << 20);
	return spec;
}

static size_t ip_header(const struct packet_spec *spec)
{
	return spec->version == 4 ? 20u + spec->ip_options_length : 40u + (spec->extension ? 8 : 0);
}

size_t packet_headers(const struct packet_spec *spec)
{
	return ip_header(spec) + (spec->protocol == 6 ? 20u + spec->options_length : spec->protocol == 17 ? 8 : 0);
}

static void build_transport(uint8_t *at, const struct packet_spec *spec, size_t length)
{
	if (spec->protocol != 6 && spec->protocol != 17)
		return;
	put16(at, spec->source_port);
	put16(at + 2, spec->destination_port);
	if (spec->protocol == 17) {
		put16(at + 4, (uint32_t)length);
		put16(at + 6, 0);
		return;
	}
	put32(at + 4, spec->sequence);
	put32(at + 8, spec->acknowledgement);
	at[12] = (uint8_t)((5 + spec->options_length / 4) << 4);
	at[13] = spec->flags;
	put16(at + 14, spec->window);
	put16(at + 16, 0);
	put16(at + 18, spec->urgent);
	memcpy(at + 20, spec->options, spec->options_length);
}

size_t packet_build(uint8_t *out, const struct packet_spec *spec, const uint8_t *payload, size_t length)
{
	size_t header = ip_header(spec), headers = packet_headers(spec), all = headers + length;

	memset(out, 0, header);
	if (spec->version == 4) {
		out[0] = (uint8_t)(0x40 + header / 4);
		out[1] = spec->class;
		put16(out + 2, (uint32_t)all);
		put16(out + 4, spec->id);
		put16(out + 6, spec->fragment);
		out[8] = spec->ttl;
		out[9] = spec->protocol;
		memcpy(out + 12, spec->source, 4);
		memcpy(out + 16, spec->destination, 4);
		memcpy(out + 20, spec->ip_options, spec->ip_options_length);
	} else {
		put32(out, 6u << 28 | (uint32_t)spec->class << 20 | spec->label);
		put16(out + 4, (uint32_t)all - 40);
		out[6] = spec->extension ? 60 : spec->protocol;
		out[7] = spec->ttl;
		memcpy(out + 8, spec->source, 16);
		memcpy(out + 24, spec->destination, 16);
		if (spec->extension) {
			out[40] = spec->protocol;
			out[42] = 1;	/* PadN of four */
			out[43] = 4;
		}
	}
	build_transport(out + header, spec, all - header);
	memcpy(out + headers, payload, length);
	packet_mend(out, !(spec->protocol == 17 && spec->no_checksum));
	return all;
}

size_t packet_transport(const uint8_t *p, size_t length, uint8_t *protocol)
{
	size_t at = 40;

	if (length >= 20 && p[0] >> 4 == 4) {
		*protocol = p[9];
		return (get16(p + 6) & 0x3fff) != 0 ? 0 : (size_t)(p[0] & 15) * 4;
	}
	if (length < 40)
		return 0;
	*protocol = p[6];
	/* Hop-by-hop, routing, destination options. */
	while (*protocol == 0 || *protocol == 43 || *protocol == 60) {
		if (at + 8 > length)
			return 0;
		*protocol = p[at];
		at += 8 + 8 * (size_t)p[at + 1];
	}
	return *protocol == 44 || at > length ? 0 : at;
}

static uint16_t transport_sum(const uint8_t *p, size_t at, size_t length, uint8_t protocol)
{
	uint32_t sum = p[0] >> 4 == 4 ? naive_sum(0, p + 12, 8) : naive_sum(0, p + 8, 32);
	uint8_t rest[8] = { 0 };

	put32(rest, (uint32_t)(length - at));
	rest[7] = protocol;
	return naive_sum(naive_sum(sum, rest, 8), p + at, length - at);
}

void packet_mend(uint8_t *p, bool transport)
{
	uint8_t protocol;
	size_t length = p[0] >> 4 == 4 ? get16(p + 2) : 40u + get16(p + 4);
	size_t at = packet_transport(p, length, &protocol);

	if (p[0] >> 4 == 4) {
		put16(p + 10, 0);
		put16(p + 10, (uint16_t)~naive_sum(0, p, (size_t)(p[0] & 15) * 4));
	}
	if (!transport || at == 0)
		return;
	if (protocol == 6 && length >= at + 20) {
		put16(p + at + 16, 0);
		put16(p + at + 16, (uint16_t)~transport_sum(p, at, length, 6));
	} else if (protocol == 17 && length >= at + 8) {
		uint16_t sum;

		put16(p + at + 6, 0);
		sum = (uint16_t)~transport_sum(p, at, length, 17);
		put16(p + at + 6, sum == 0 ? 0xffff : sum);
	}
}

bool packet_transport_is_valid(const uint8_t *p, size_t length)
{
	uint8_t protocol;
	size_t at = packet_transport(p, length, &protocol);

	if (at == 0)
		return true;
	if (protocol == 6)
		return length >= at + 20 && p[at + 12] >> 4 >= 5 && at + (size_t)(p[at + 12] >> 4) * 4 <= length &&
		       transport_sum(p, at, length, 6) == 0xffff;
	if (protocol == 17)
		return length >= at + 8 && get16(p + at + 4) == length - at &&
		       (get16(p + at + 6) == 0 || transport_sum(p, at, length, 17) == 0xffff);
	return true;
}

bool packet_is_valid(const uint8_t *p, size_t length)
{
	if (length < 20)
		return false;
	if (p[0] >> 4 == 4) {
		size_t header = (size_t)(p[0] & 15) * 4;

		if (header < 20 || header > length || get16(p + 2) != length || naive_sum(0, p, header) != 0xffff)
			return false;
	} else if (p[0] >> 4 != 6 || length < 40 || 40u + get16(p + 4) != length) {
		return false;
	}
	return packet_transport_is_valid(p, length);
}
