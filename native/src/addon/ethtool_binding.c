/*
 * The checksum offload of a device, read and set from JavaScript. No object, no lifetime.
 */
#include "bindings.h"
#include "values.h"

#include "../ethtool/tx_checksum.h"

/* txChecksum(device: string, netns: string | undefined): boolean */
napi_value js_tx_checksum(napi_env env, napi_callback_info info)
{
	size_t count = 2;
	napi_value arguments[2], ret;
	char device[MAX_PATH], netns_text[MAX_PATH];
	const char *netns;
	bool on;
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 2 ||
	    !get_text(env, arguments[0], device, sizeof(device)) ||
	    !get_optional_text(env, arguments[1], netns_text, sizeof(netns_text), &netns))
		return throw_argument(env, "txChecksum: expected (device, netns)");
	result = tx_checksum_get(device, netns, &on);
	if (result < 0)
		return throw_errno(env, "read the checksum offload of a device", result);
	return napi_get_boolean(env, on, &ret) == napi_ok ? ret : NULL;
}

/* setTxChecksum(device: string, on: boolean, netns: string | undefined): void */
napi_value js_set_tx_checksum(napi_env env, napi_callback_info info)
{
	size_t count = 3;
	napi_value arguments[3];
	char device[MAX_PATH], netns_text[MAX_PATH];
	const char *netns;
	bool on;
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 3 ||
	    !get_text(env, arguments[0], device, sizeof(device)) ||
	    napi_get_value_bool(env, arguments[1], &on) != napi_ok ||
	    !get_optional_text(env, arguments[2], netns_text, sizeof(netns_text), &netns))
		return throw_argument(env, "setTxChecksum: expected (device, on, netns)");
	result = tx_checksum_set(device, netns, on);
	return result < 0 ? throw_errno(env, "set the checksum offload of a device", result) : NULL;
}
