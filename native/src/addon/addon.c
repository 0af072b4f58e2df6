/*
 * The addon's exports. This folder is the Node-API face of native/: the only one that includes node_api.h. It converts
 * values, ties C lifetimes to JavaScript's, and checks nothing that src/native.ts has checked already.
 */
#include "bindings.h"
#include "values.h"

#include "../boottime.h"
#include "../sd_notify.h"

/* notify(path: string, text: string): void */
static napi_value js_notify(napi_env env, napi_callback_info info)
{
	size_t count = 2;
	napi_value arguments[2];
	char path[MAX_PATH], text[MAX_PATH];
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 2 ||
	    !get_text(env, arguments[0], path, sizeof(path)) || !get_text(env, arguments[1], text, sizeof(text)))
		return throw_argument(env, "notify: expected (path, text), each shorter than 4096 bytes and without NUL");
	result = sd_notify_send(path, text);
	return result < 0 ? throw_errno(env, "notify the service manager", result) : NULL;
}

/* boottime(): number of milliseconds */
static napi_value js_boottime(napi_env env, napi_callback_info info)
{
	double ms;
	napi_value ret;
	int result = boottime_read(&ms);

	(void)info;
	if (result < 0)
		return throw_errno(env, "read the time since boot", result);
	return napi_create_double(env, ms, &ret) == napi_ok ? ret : NULL;
}

NAPI_MODULE_INIT()
{
	const napi_property_descriptor properties[] = {
		{ .utf8name = "openNetlink", .method = js_open_netlink, .attributes = napi_enumerable },
		{ .utf8name = "openDataplane", .method = js_open_dataplane, .attributes = napi_enumerable },
		{ .utf8name = "dataplaneNames", .method = js_dataplane_names, .attributes = napi_enumerable },
		{ .utf8name = "createTun", .method = js_create_tun, .attributes = napi_enumerable },
		{ .utf8name = "openEcho", .method = js_open_echo, .attributes = napi_enumerable },
		{ .utf8name = "txChecksum", .method = js_tx_checksum, .attributes = napi_enumerable },
		{ .utf8name = "setTxChecksum", .method = js_set_tx_checksum, .attributes = napi_enumerable },
		{ .utf8name = "lockFile", .method = js_lock_file, .attributes = napi_enumerable },
		{ .utf8name = "boottime", .method = js_boottime, .attributes = napi_enumerable },
		{ .utf8name = "notify", .method = js_notify, .attributes = napi_enumerable },
	};

	if (napi_define_properties(env, exports, sizeof(properties) / sizeof(properties[0]), properties) != napi_ok)
		return NULL;
	return exports;
}
