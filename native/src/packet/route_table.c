/*
 * Longest-prefix lookup: one hash table over (version, length, masked address), and the list of lengths in use.
 */
#include "route_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 16 bits of version and length, never 0 in a slot that is taken. */
struct slot {
	struct ip_address prefix;
	uint32_t value;
	uint16_t kind;
};

struct lengths {
	uint8_t count;
	uint8_t list[129];		/* longest first */
};

struct route_table {
	struct lengths v4, v6;
	size_t mask;
	struct slot slots[];
};

static uint16_t kind_of(int version, unsigned length)
{
	return (uint16_t)(version << 8 | length);
}

static struct ip_address mask_address(struct ip_address address, int version, unsigned length)
{
	unsigned bits = version == 4 ? length + 96 : length;

	if (bits < 64) {
		address.low = 0;
		address.high &= bits == 0 ? 0 : ~UINT64_C(0) << (64 - bits);
	} else if (bits < 128) {
		address.low &= bits == 64 ? 0 : ~UINT64_C(0) << (128 - bits);
	}
	return address;
}

/* A multiplicative mix with the high half taken (Fibonacci hashing); nodes' subnets differ in few bits. */
static size_t hash(struct ip_address prefix, uint16_t kind)
{
	uint64_t mixed = (prefix.low ^ prefix.high * UINT64_C(0x9e3779b97f4a7c15) ^ kind) * UINT64_C(0xbf58476d1ce4e5b9);

	return (size_t)((mixed ^ mixed >> 32) * UINT64_C(0x94d049bb133111eb) >> 29);
}

/* The slot that holds the prefix, or the free one where it belongs. At most half of all are taken. */
static const struct slot *locate(const struct route_table *table, struct ip_address prefix, uint16_t kind)
{
	for (size_t at = hash(prefix, kind);; at++) {
		const struct slot *slot = &table->slots[at & table->mask];

		if (slot->kind == 0 || (slot->kind == kind && ip_same_address(slot->prefix, prefix)))
			return slot;
	}
}

static void note_length(struct lengths *lengths, uint8_t length)
{
	size_t at = 0;

	while (at < lengths->count && lengths->list[at] > length)
		at++;
	if (at < lengths->count && lengths->list[at] == length)
		return;
	memmove(&lengths->list[at + 1], &lengths->list[at], lengths->count - at);
	lengths->list[at] = length;
	lengths->count++;
}

static int insert(struct route_table *table, const struct route *route)
{
	uint16_t kind = kind_of(route->version, route->length);
	struct ip_address masked;
	struct slot *slot;

	if ((route->version != 4 && route->version != 6) || route->length > (route->version == 4 ? 32 : 128) ||
	    (route->version == 4 && (route->prefix.high != 0 || route->prefix.low > UINT32_MAX)) ||
	    route->value == ROUTE_NONE)
		return -EINVAL;
	masked = mask_address(route->prefix, route->version, route->length);
	if (!ip_same_address(masked, route->prefix))
		return -EINVAL;
	slot = (struct slot *)locate(table, masked, kind);
	if (slot->kind != 0)
		return -EEXIST;
	*slot = (struct slot){ .prefix = masked, .value = route->value, .kind = kind };
	note_length(route->version == 4 ? &table->v4 : &table->v6, route->length);
	return 0;
}

int route_table_build(struct route_table **ret, const struct route *routes, size_t count)
{
	size_t slots = 2;
	struct route_table *table;

	while (slots < 2 * count)
		slots *= 2;
	table = calloc(1, sizeof(*table) + slots * sizeof(table->slots[0]));
	if (table == NULL)
		return -ENOMEM;
	table->mask = slots - 1;
	for (size_t i = 0; i < count; i++) {
		int result = insert(table, &routes[i]);

		if (result < 0) {
			free(table);
			return result;
		}
	}
	*ret = table;
	return 0;
}

void route_table_free(struct route_table *table)
{
	free(table);
}

uint32_t route_table_find(const struct route_table *table, int version, struct ip_address address)
{
	const struct lengths *lengths = version == 4 ? &table->v4 : &table->v6;

	for (size_t i = 0; i < lengths->count; i++) {
		uint8_t length = lengths->list[i];
		const struct slot *slot = locate(table, mask_address(address, version, length), kind_of(version, length));

		if (slot->kind != 0)
			return slot->value;
	}
	return ROUTE_NONE;
}
