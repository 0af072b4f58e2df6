/*
 * The packet engine as a JavaScript object. Ties its C lifetime to JavaScript's; rules in ../../README.md.
 */
#include "bindings.h"
#include "dataplane_options.h"
#include "dataplane_tell.h"
#include "values.h"

#include <errno.h>
#include <stdlib.h>

/* Why a thread ended. There is room for every one of them, so that telling cannot fail for want of memory. */
struct failure {
	int error;
	const char *place;
};

/*
 * Held by the JavaScript object, until its finalizer, and by the threadsafe function, until its own. The counts are
 * JavaScript's thread's, except `failures`, which the engine's threads fill.
 */
struct handle {
	napi_env env;
	napi_threadsafe_function deliver;
	struct engine *engine;		/* NULL once closed */
	int holders;
	_Atomic uint32_t failure_count;
	struct failure failures[MAX_WORKERS];
};

static void drop(struct handle *handle)
{
	if (--handle->holders == 0)
		free(handle);
}

/* On a thread of the engine. */
static void on_failed(void *context, int error, const char *place)
{
	struct handle *handle = context;
	struct failure *failure = &handle->failures[atomic_fetch_add(&handle->failure_count, 1)];

	*failure = (struct failure){ .error = error, .place = place };
	(void)napi_call_threadsafe_function(handle->deliver, failure, napi_tsfn_nonblocking);
}

/* On the JavaScript thread. `env` is NULL when the queue is emptied during a close. */
static void deliver_to_js(napi_env env, napi_value listener, void *context, void *data)
{
	struct handle *handle = context;
	const struct failure *failure = data;
	napi_value arguments[2], receiver;

	if (env == NULL || handle->engine == NULL)
		return;
	if (napi_create_int32(env, -failure->error, &arguments[0]) == napi_ok &&
	    napi_create_string_utf8(env, failure->place, NAPI_AUTO_LENGTH, &arguments[1]) == napi_ok &&
	    napi_get_undefined(env, &receiver) == napi_ok)
		(void)napi_call_function(env, receiver, listener, 2, arguments, NULL);
	rethrow_uncaught(env);
}

static void close_handle(struct handle *handle)
{
	struct engine *engine = handle->engine;

	if (engine == NULL)
		return;
	handle->engine = NULL;
	/* First the threads, which call `deliver`; then `deliver` itself. */
	engine_close(engine);
	napi_release_threadsafe_function(handle->deliver, napi_tsfn_abort);
}

static void on_env_cleanup(void *argument)
{
	close_handle(argument);
}

static void on_deliver_finalized(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	drop(data);
}

static void on_object_finalized(napi_env env, void *data, void *hint)
{
	struct handle *handle = data;

	(void)hint;
	close_handle(handle);
	napi_remove_env_cleanup_hook(env, on_env_cleanup, handle);
	drop(handle);
}

/* The handle behind `this`, open; throws otherwise. */
static struct handle *open_handle(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments)
{
	napi_value receiver;
	void *data = NULL;
	struct handle *handle;

	if (napi_get_cb_info(env, info, count, arguments, &receiver, NULL) != napi_ok ||
	    napi_unwrap(env, receiver, &data) != napi_ok) {
		throw_argument(env, "not a packet engine");
		return NULL;
	}
	handle = data;
	if (handle->engine == NULL) {
		throw_errno(env, "use a packet engine", -EBADF);
		return NULL;
	}
	return handle;
}

/* setRoutes(records: Uint8Array): void */
static napi_value js_set_routes(napi_env env, napi_callback_info info)
{
	size_t count = 1, length;
	napi_value arguments[1];
	struct handle *handle = open_handle(env, info, &count, arguments);
	napi_typedarray_type type;
	void *data;
	int result;

	if (handle == NULL)
		return NULL;
	if (count != 1 || napi_get_typedarray_info(env, arguments[0], &type, &length, &data, NULL, NULL) != napi_ok ||
	    type != napi_uint8_array || length % ROUTE_RECORD != 0)
		return throw_argument(env, "setRoutes: expected a Uint8Array of whole records");
	result = engine_set_routes(handle->engine, data, length / ROUTE_RECORD);
	return result < 0 ? throw_errno(env, "set the routes of the packet engine", result) : NULL;
}

/* counters(): Record<string, number> */
static napi_value js_counters(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	struct handle *handle = open_handle(env, info, &count, NULL);

	return handle == NULL ? NULL : tell_counters(env, handle->engine);
}

/* peers(): Buffer of records. Routes change on this thread only, so it sees one generation. */
static napi_value js_peers(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	struct handle *handle = open_handle(env, info, &count, NULL);

	return handle == NULL ? NULL : tell_peers(env, handle->engine);
}

/* features(): string[], those in use */
static napi_value js_features(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	struct handle *handle = open_handle(env, info, &count, NULL);

	return handle == NULL ? NULL : tell_features(env, handle->engine);
}

/* close(): void */
static napi_value js_close(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	napi_value receiver;
	void *data = NULL;

	if (napi_get_cb_info(env, info, &count, NULL, &receiver, NULL) != napi_ok ||
	    napi_unwrap(env, receiver, &data) != napi_ok)
		return throw_argument(env, "close: not a packet engine");
	close_handle(data);
	return NULL;
}

static napi_status make_object(napi_env env, struct handle *handle, napi_value *ret)
{
	const napi_property_descriptor properties[] = {
		{ .utf8name = "setRoutes", .method = js_set_routes },
		{ .utf8name = "counters", .method = js_counters },
		{ .utf8name = "peers", .method = js_peers },
		{ .utf8name = "features", .method = js_features },
		{ .utf8name = "close", .method = js_close },
	};
	napi_status status = napi_create_object(env, ret);

	if (status == napi_ok)
		status = napi_define_properties(env, *ret, sizeof(properties) / sizeof(properties[0]), properties);
	if (status == napi_ok)
		status = napi_wrap(env, *ret, handle, on_object_finalized, NULL, NULL);
	return status;
}

static struct handle *make_handle(napi_env env, napi_value listener)
{
	struct handle *handle = calloc(1, sizeof(*handle));
	napi_value name;

	if (handle == NULL)
		return NULL;
	handle->env = env;
	handle->holders = 1;
	if (napi_create_string_utf8(env, "flanneld dataplane", NAPI_AUTO_LENGTH, &name) != napi_ok ||
	    napi_create_threadsafe_function(env, listener, NULL, name, 0, 1, handle, on_deliver_finalized, handle,
					    deliver_to_js, &handle->deliver) != napi_ok) {
		free(handle);
		return NULL;
	}
	return handle;
}

/* openDataplane(options: object, failed: (errno: number, place: string) => void) → the object of make_object */
napi_value js_open_dataplane(napi_env env, napi_callback_info info)
{
	size_t count = 2;
	napi_value arguments[2], object;
	struct engine_options options;
	struct engine_callbacks callbacks = { .failed = on_failed };
	const char *wrong, *place;
	struct handle *handle;
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 2 ||
	    !is_function(env, arguments[1]))
		return throw_argument(env, "openDataplane: expected (options, failed)");
	wrong = read_dataplane_options(env, arguments[0], &options);
	if (wrong != NULL)
		return throw_argument(env, wrong);
	handle = make_handle(env, arguments[1]);
	if (handle == NULL)
		return throw_errno(env, "open the packet engine", -ENOMEM);
	callbacks.context = handle;
	result = engine_open(&handle->engine, &options, &callbacks, &place);
	if (result < 0) {
		/* `deliver` frees the handle when it is finalized. */
		napi_release_threadsafe_function(handle->deliver, napi_tsfn_abort);
		return throw_errno(env, place, result);
	}
	if (make_object(env, handle, &object) != napi_ok) {
		close_handle(handle);
		return throw_errno(env, "open the packet engine", -ENOMEM);
	}
	handle->holders++;
	/* Added after the threadsafe function's own hook, so it runs before it. */
	napi_add_env_cleanup_hook(env, on_env_cleanup, handle);
	return object;
}
