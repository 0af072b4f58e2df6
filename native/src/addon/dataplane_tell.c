/*
 * What the engine tells of itself, as JavaScript values. Reads only; the handle around the engine is elsewhere.
 */
#include "dataplane_tell.h"

#include "bindings.h"

#include <string.h>

/* One peer as handed to JavaScript: version and padding, the address, four doubles (no count reaches 2^53). */
#define PEER_RECORD 56
#define PEER_ADDRESS 8
#define PEER_NUMBERS 24

static const char *const counter_names[] = {
#define ROW(id, name, text) name,
	PACKET_COUNTERS(ROW)
#undef ROW
};

static const char *const feature_names[] = {
#define ROW(id, name, text) name,
	DATAPLANE_FEATURES(ROW)
#undef ROW
};

napi_value tell_counters(napi_env env, const struct engine *engine)
{
	uint64_t counters[COUNTER_COUNT];
	napi_value object, number;

	if (napi_create_object(env, &object) != napi_ok)
		return NULL;
	engine_counters(engine, counters);
	for (int i = 0; i < COUNTER_COUNT; i++)
		if (napi_create_double(env, (double)counters[i], &number) != napi_ok ||
		    napi_set_named_property(env, object, counter_names[i], number) != napi_ok)
			return NULL;
	return object;
}

struct peer_list {
	uint8_t *data;
	size_t length, room;
};

static void add_peer(void *context, const struct peer *peer, const uint64_t sums[4])
{
	struct peer_list *list = context;
	uint8_t *record = list->data + list->length;

	list->length += PEER_RECORD;
	if (list->length > list->room)
		return;
	memset(record, 0, PEER_NUMBERS);
	record[0] = peer->version;
	ip_write_address(record + PEER_ADDRESS, peer->version, peer->ip);
	for (int i = 0; i < 4; i++) {
		double number = (double)sums[i];

		memcpy(record + PEER_NUMBERS + 8 * i, &number, sizeof(number));
	}
}

napi_value tell_peers(napi_env env, const struct engine *engine)
{
	struct peer_list list = { 0 };
	napi_value buffer;
	void *data;

	engine_peers(engine, add_peer, &list);
	if (napi_create_buffer(env, list.length, &data, &buffer) != napi_ok)
		return NULL;
	list = (struct peer_list){ .data = data, .room = list.length };
	engine_peers(engine, add_peer, &list);
	return buffer;
}

napi_value tell_features(napi_env env, const struct engine *engine)
{
	uint32_t features = engine_features(engine), length = 0;
	napi_value array, name;

	if (napi_create_array(env, &array) != napi_ok)
		return NULL;
	for (int i = 0; i < FEATURE_COUNT; i++)
		if ((features & 1u << i) != 0 &&
		    (napi_create_string_utf8(env, feature_names[i], NAPI_AUTO_LENGTH, &name) != napi_ok ||
		     napi_set_element(env, array, length++, name) != napi_ok))
			return NULL;
	return array;
}

static bool set_text(napi_env env, napi_value object, const char *name, const char *text)
{
	napi_value value;

	return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok &&
	       napi_set_named_property(env, object, name, value) == napi_ok;
}

napi_value js_dataplane_names(napi_env env, napi_callback_info info)
{
	napi_value tables, counters, features;
	bool done;

	(void)info;
	if (napi_create_object(env, &tables) != napi_ok || napi_create_object(env, &counters) != napi_ok ||
	    napi_create_object(env, &features) != napi_ok)
		return NULL;
	done = true;
#define ROW(id, name, text) done = done && set_text(env, counters, name, text);
	PACKET_COUNTERS(ROW)
#undef ROW
#define ROW(id, name, text) done = done && set_text(env, features, name, text);
	DATAPLANE_FEATURES(ROW)
#undef ROW
	if (!done || napi_set_named_property(env, tables, "counters", counters) != napi_ok ||
	    napi_set_named_property(env, tables, "features", features) != napi_ok)
		return NULL;
	return tables;
}
