/*
 * A locked file as a JavaScript object: locked until it is closed, collected, or its process or worker ends.
 */
#include "bindings.h"
#include "values.h"

#include "../lock/file_lock.h"

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

/* close(): void */
static napi_value js_close(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	napi_value receiver;
	void *data = NULL;

	if (napi_get_cb_info(env, info, &count, NULL, &receiver, NULL) != napi_ok ||
	    napi_unwrap(env, receiver, &data) != napi_ok)
		return throw_argument(env, "close: not a lock");
	close_handle(data);
	return NULL;
}

static napi_status make_object(napi_env env, struct handle *handle, napi_value *ret)
{
	const napi_property_descriptor property = { .utf8name = "close", .method = js_close };
	napi_status status = napi_create_object(env, ret);

	if (status == napi_ok)
		status = napi_define_properties(env, *ret, 1, &property);
	if (status == napi_ok)
		status = napi_wrap(env, *ret, handle, on_object_finalized, NULL, NULL);
	return status;
}

/* lockFile(path: string, text: string) → { close(): void } */
napi_value js_lock_file(napi_env env, napi_callback_info info)
{
	size_t count = 2;
	napi_value arguments[2], object;
	char path[MAX_PATH], text[MAX_PATH];
	struct handle *handle;
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 2 ||
	    !get_text(env, arguments[0], path, sizeof(path)) || !get_text(env, arguments[1], text, sizeof(text)))
		return throw_argument(env, "lockFile: expected (path, text), each shorter than 4096 bytes and without NUL");
	handle = malloc(sizeof(*handle));
	if (handle == NULL)
		return throw_errno(env, "lock a file", -ENOMEM);
	result = file_lock_take(path, text, &handle->fd);
	if (result < 0) {
		free(handle);
		return throw_errno(env, "lock a file", result);
	}
	if (make_object(env, handle, &object) != napi_ok) {
		close_handle(handle);
		free(handle);
		return throw_errno(env, "lock a file", -ENOMEM);
	}
	return object;
}
