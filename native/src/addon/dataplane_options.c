/*
 * The engine's options out of a JavaScript object: numbers, flags, and addresses as bytes.
 */
#include "dataplane_options.h"

#include "values.h"

#include <string.h>

/* A prefix as bytes: version, length, 16 bytes of address of which IPv4 uses the first 4. */
#define PREFIX_BYTES 18

static bool get_number(napi_env env, napi_value object, const char *name, uint32_t most, uint32_t *ret)
{
	napi_value value;
	double number;

	if (napi_get_named_property(env, object, name, &value) != napi_ok ||
	    napi_get_value_double(env, value, &number) != napi_ok || !(number >= 0 && number <= most))
		return false;
	*ret = (uint32_t)number;
	return true;
}

static bool get_flag(napi_env env, napi_value object, const char *name, bool *ret)
{
	napi_value value;

	return napi_get_named_property(env, object, name, &value) == napi_ok &&
	       napi_get_value_bool(env, value, ret) == napi_ok;
}

static bool get_bytes(napi_env env, napi_value object, const char *name, const uint8_t **ret, size_t *ret_length)
{
	napi_value value;
	napi_typedarray_type type;
	void *data;

	if (napi_get_named_property(env, object, name, &value) != napi_ok ||
	    napi_get_typedarray_info(env, value, &type, ret_length, &data, NULL, NULL) != napi_ok ||
	    type != napi_uint8_array)
		return false;
	*ret = data;
	return true;
}

/* An address of 4 or 16 bytes; with none the version is 0. */
static bool get_address(napi_env env, napi_value object, const char *name, struct ip_address *ret, uint8_t *ret_version)
{
	const uint8_t *bytes;
	size_t length;

	if (!get_bytes(env, object, name, &bytes, &length) || (length != 0 && length != 4 && length != 16))
		return false;
	*ret_version = length == 0 ? 0 : length == 4 ? 4 : 6;
	*ret = length == 0 ? (struct ip_address){ 0 } : ip_read_address(bytes, *ret_version);
	return true;
}

static bool get_own(napi_env env, napi_value object, struct engine_options *ret)
{
	const uint8_t *bytes;
	size_t length;

	if (!get_bytes(env, object, "own", &bytes, &length) || length % PREFIX_BYTES != 0 ||
	    length / PREFIX_BYTES > MAX_OWN)
		return false;
	ret->own_count = length / PREFIX_BYTES;
	for (size_t i = 0; i < ret->own_count; i++, bytes += PREFIX_BYTES) {
		if (bytes[0] != 4 && bytes[0] != 6)
			return false;
		ret->own[i] = (struct prefix){
			.version = bytes[0], .length = bytes[1], .address = ip_read_address(bytes + 2, bytes[0]),
		};
	}
	return true;
}

/* The features that may be used: all but the named ones. */
static bool get_features(napi_env env, napi_value object, uint32_t *ret)
{
	static const char *const names[] = {
#define ROW(id, name, text) name,
		DATAPLANE_FEATURES(ROW)
#undef ROW
	};
	napi_value list, element;
	uint32_t length;
	char text[32];

	*ret = (1u << FEATURE_COUNT) - 1;
	if (napi_get_named_property(env, object, "disabled", &list) != napi_ok ||
	    napi_get_array_length(env, list, &length) != napi_ok)
		return false;
	for (uint32_t i = 0; i < length; i++) {
		uint32_t feature = 0;

		if (napi_get_element(env, list, i, &element) != napi_ok || !get_text(env, element, text, sizeof(text)))
			return false;
		while (feature < FEATURE_COUNT && strcmp(names[feature], text) != 0)
			feature++;
		if (feature == FEATURE_COUNT)
			return false;
		*ret &= ~(1u << feature);
	}
	return true;
}

const char *read_dataplane_options(napi_env env, napi_value object, struct engine_options *ret)
{
	napi_value device;
	uint32_t port, mtu, filter;
	uint8_t version;

	memset(ret, 0, sizeof(*ret));
	if (napi_get_named_property(env, object, "device", &device) != napi_ok ||
	    !get_text(env, device, ret->device, sizeof(ret->device)))
		return "device: expected a name of at most 15 bytes";
	if (!get_number(env, object, "deviceIndex", UINT32_MAX, &ret->device_index) ||
	    !get_number(env, object, "port", UINT16_MAX, &port) || !get_number(env, object, "mtu", UINT16_MAX, &mtu) ||
	    !get_number(env, object, "filter", FILTER_STRICT, &filter) ||
	    !get_number(env, object, "queues", MAX_QUEUES, &ret->queues) ||
	    !get_number(env, object, "spinNs", 1000000000, &ret->spin_ns))
		return "deviceIndex, port, mtu, filter, queues, spinNs: expected numbers in their bounds";
	if (!get_flag(env, object, "multiQueue", &ret->multi_queue) || !get_flag(env, object, "split", &ret->split))
		return "multiQueue, split: expected true or false";
	if (!get_address(env, object, "source", &ret->source, &ret->outer_version) || ret->outer_version == 0)
		return "source: expected 4 or 16 bytes";
	if (!get_address(env, object, "icmpV4", &ret->icmp_v4, &version) || version == 6 ||
	    !get_address(env, object, "icmpV6", &ret->icmp_v6, &version) || version == 4)
		return "icmpV4, icmpV6: expected an address of that family, or no bytes";
	if (!get_own(env, object, ret))
		return "own: expected at most 8 prefixes of 18 bytes";
	if (!get_features(env, object, &ret->features))
		return "disabled: expected names of features";
	ret->port = (uint16_t)port;
	ret->mtu = (uint16_t)mtu;
	ret->filter = (enum engine_filter)filter;
	return NULL;
}
