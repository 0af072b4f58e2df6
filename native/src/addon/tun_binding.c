/*
 * A TUN device that was just made, as a JavaScript object: to be kept, or to vanish with its descriptor.
 * Packets do not pass here.
 */
#include "bindings.h"
#include "values.h"

#include "../tun/tun_device.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct handle {
	int fd;		/* -1 once closed */
};

static void close_handle(struct handle *handle)
{
	if (handle->fd < 0)
		return;
	close(handle->fd);
	handle->fd = -1;
}

static void on_object_finalized(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	close_handle(data);
	free(data);
}

static struct handle *this_handle(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	napi_value receiver;
	void *data = NULL;

	if (napi_get_cb_info(env, info, &count, NULL, &receiver, NULL) != napi_ok ||
	    napi_unwrap(env, receiver, &data) != napi_ok)
		return NULL;
	return data;
}

/* persist(): void */
static napi_value js_persist(napi_env env, napi_callback_info info)
{
	struct handle *handle = this_handle(env, info);
	int result;

	if (handle == NULL)
		return throw_argument(env, "persist: not a TUN device");
	result = handle->fd < 0 ? -EBADF : tun_persist(handle->fd);
	return result < 0 ? throw_errno(env, "make a TUN device persistent", result) : NULL;
}

/* close(): void */
static napi_value js_close(napi_env env, napi_callback_info info)
{
	struct handle *handle = this_handle(env, info);

	if (handle == NULL)
		return throw_argument(env, "close: not a TUN device");
	close_handle(handle);
	return NULL;
}

static napi_status make_object(napi_env env, struct handle *handle, napi_value *ret)
{
	const napi_property_descriptor properties[] = {
		{ .utf8name = "persist", .method = js_persist },
		{ .utf8name = "close", .method = js_close },
	};
	napi_status status = napi_create_object(env, ret);

	if (status == napi_ok)
		status = napi_define_properties(env, *ret, 2, properties);
	if (status == napi_ok)
		status = napi_wrap(env, *ret, handle, on_object_finalized, NULL, NULL);
	return status;
}

/* createTun(name: string, multiQueue: boolean, netns: string | undefined) → { persist(): void, close(): void } */
napi_value js_create_tun(napi_env env, napi_callback_info info)
{
	size_t count = 3;
	napi_value arguments[3], object;
	char name[MAX_PATH], path[MAX_PATH];
	const char *netns;
	bool multi_queue;
	struct handle *handle;
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 3 ||
	    !get_text(env, arguments[0], name, sizeof(name)) ||
	    napi_get_value_bool(env, arguments[1], &multi_queue) != napi_ok ||
	    !get_optional_text(env, arguments[2], path, sizeof(path), &netns))
		return throw_argument(env, "createTun: expected (name, multiQueue, netns)");
	handle = malloc(sizeof(*handle));
	if (handle == NULL)
		return throw_errno(env, "create a TUN device", -ENOMEM);
	result = tun_create(name, multi_queue, netns, &handle->fd);
	if (result < 0) {
		free(handle);
		return throw_errno(env, "create a TUN device", result);
	}
	if (make_object(env, handle, &object) != napi_ok) {
		close_handle(handle);
		free(handle);
		return throw_errno(env, "create a TUN device", -ENOMEM);
	}
	return object;
}
