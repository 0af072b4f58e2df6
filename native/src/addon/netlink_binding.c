/*
 * A netlink socket as a JavaScript object. Ties its C lifetime to JavaScript's; rules in ../../README.md.
 */
#include "bindings.h"
#include "values.h"

#include "../netlink/netlink_socket.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_GROUPS 32

/*
 * Two sides hold it, each counted in `holders`: the JavaScript object, until its finalizer, and the threadsafe
 * function, until its own. Everything but on_data and on_error runs on the JavaScript thread, so a plain count does.
 */
struct handle {
	napi_env env;
	napi_threadsafe_function deliver;
	struct netlink_socket *socket;		/* NULL once closed */
	int holders;
};

/* One call to the listener, made on the socket's thread, owned by the threadsafe function's queue until delivered. */
struct delivery {
	uint8_t *data;
	size_t length;
	int error;
	bool sending;
};

static void drop(struct handle *handle)
{
	if (--handle->holders == 0)
		free(handle);
}

static void free_delivery(struct delivery *delivery)
{
	free(delivery->data);
	free(delivery);
}

static void queue_delivery(struct handle *handle, struct delivery content)
{
	struct delivery *delivery = malloc(sizeof(*delivery));

	if (delivery == NULL) {
		/* The bytes stay counted as unconsumed; the requester's time-out tells of the loss. */
		free(content.data);
		return;
	}
	*delivery = content;
	if (napi_call_threadsafe_function(handle->deliver, delivery, napi_tsfn_nonblocking) != napi_ok)
		free_delivery(delivery);
}

static void on_data(void *context, uint8_t *data, size_t length)
{
	queue_delivery(context, (struct delivery){ .data = data, .length = length });
}

static void on_error(void *context, int error, int sending)
{
	queue_delivery(context, (struct delivery){ .error = error, .sending = sending != 0 });
}

static napi_status delivery_arguments(napi_env env, const struct delivery *delivery, napi_value arguments[3])
{
	napi_status status;

	if (delivery->data != NULL)
		status = napi_create_buffer_copy(env, delivery->length, delivery->data, NULL, &arguments[0]);
	else
		status = napi_get_undefined(env, &arguments[0]);
	if (status != napi_ok)
		return status;
	status = napi_create_int32(env, -delivery->error, &arguments[1]);
	if (status != napi_ok)
		return status;
	return napi_get_boolean(env, delivery->sending, &arguments[2]);
}

/* On the JavaScript thread. `env` is NULL when the queue is emptied during a close. */
static void deliver_to_js(napi_env env, napi_value listener, void *context, void *data)
{
	struct handle *handle = context;
	struct delivery *delivery = data;
	napi_value arguments[3], receiver;

	if (env == NULL || handle->socket == NULL) {
		free_delivery(delivery);
		return;
	}
	if (delivery->data != NULL)
		netlink_socket_consumed(handle->socket, delivery->length);
	if (delivery_arguments(env, delivery, arguments) == napi_ok && napi_get_undefined(env, &receiver) == napi_ok)
		(void)napi_call_function(env, receiver, listener, 3, arguments, NULL);
	free_delivery(delivery);
	rethrow_uncaught(env);
}

static void close_handle(struct handle *handle)
{
	struct netlink_socket *socket = handle->socket;

	if (socket == NULL)
		return;
	handle->socket = NULL;
	/* First the thread, which calls `deliver`; then `deliver`, which hands back what is still queued. */
	netlink_socket_close(socket);
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

static struct handle *this_handle(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments)
{
	napi_value receiver;
	void *data = NULL;

	if (napi_get_cb_info(env, info, count, arguments, &receiver, NULL) != napi_ok ||
	    napi_unwrap(env, receiver, &data) != napi_ok)
		return NULL;
	return data;
}

/* send(bytes: Uint8Array): void */
static napi_value js_send(napi_env env, napi_callback_info info)
{
	size_t count = 1, length;
	napi_value arguments[1];
	struct handle *handle = this_handle(env, info, &count, arguments);
	napi_typedarray_type type;
	void *data;
	int result;

	if (handle == NULL || count != 1)
		return throw_argument(env, "send: expected a Uint8Array");
	if (napi_get_typedarray_info(env, arguments[0], &type, &length, &data, NULL, NULL) != napi_ok ||
	    type != napi_uint8_array)
		return throw_argument(env, "send: expected a Uint8Array");
	result = handle->socket == NULL ? -EBADF : netlink_socket_send(handle->socket, data, length);
	return result < 0 ? throw_errno(env, "send on a netlink socket", result) : NULL;
}

/* close(): void */
static napi_value js_close(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	struct handle *handle = this_handle(env, info, &count, NULL);

	if (handle == NULL)
		return throw_argument(env, "close: not a netlink socket");
	close_handle(handle);
	return NULL;
}

static bool get_groups(napi_env env, napi_value array, uint32_t groups[MAX_GROUPS], size_t *ret)
{
	uint32_t length;
	napi_value element;

	if (napi_get_array_length(env, array, &length) != napi_ok || length > MAX_GROUPS)
		return false;
	for (uint32_t i = 0; i < length; i++)
		if (napi_get_element(env, array, i, &element) != napi_ok ||
		    napi_get_value_uint32(env, element, &groups[i]) != napi_ok)
			return false;
	*ret = length;
	return true;
}

static napi_status make_deliver(napi_env env, napi_value listener, struct handle *handle)
{
	napi_value name;
	napi_status status = napi_create_string_utf8(env, "flanneld netlink", NAPI_AUTO_LENGTH, &name);

	if (status != napi_ok)
		return status;
	return napi_create_threadsafe_function(env, listener, NULL, name, 0, 1, handle, on_deliver_finalized, handle,
					       deliver_to_js, &handle->deliver);
}

static napi_status make_object(napi_env env, struct handle *handle, napi_value *ret)
{
	napi_value port;
	napi_status status = napi_create_uint32(env, netlink_socket_port(handle->socket), &port);

	if (status == napi_ok)
		status = napi_create_object(env, ret);
	if (status == napi_ok) {
		const napi_property_descriptor properties[] = {
			{ .utf8name = "portId", .value = port, .attributes = napi_enumerable },
			{ .utf8name = "send", .method = js_send },
			{ .utf8name = "close", .method = js_close },
		};
		status = napi_define_properties(env, *ret, 3, properties);
	}
	if (status == napi_ok)
		status = napi_wrap(env, *ret, handle, on_object_finalized, NULL, NULL);
	return status;
}

/*
 * openNetlink(protocol: number, groups: number[], receiveBuffer: number, netns: string | undefined,
 *             listener: (data: Buffer | undefined, errno: number, sending: boolean) => void)
 *   → { portId: number, send(bytes: Uint8Array): void, close(): void }
 */
napi_value js_open_netlink(napi_env env, napi_callback_info info)
{
	size_t count = 5;
	napi_value arguments[5], object;
	uint32_t groups[MAX_GROUPS];
	char netns[MAX_PATH];
	struct netlink_options options = { .groups = groups };
	struct netlink_callbacks callbacks = { .data = on_data, .error = on_error };
	struct handle *handle;
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 5 ||
	    napi_get_value_int32(env, arguments[0], &options.protocol) != napi_ok ||
	    !get_groups(env, arguments[1], groups, &options.group_count) ||
	    napi_get_value_int32(env, arguments[2], &options.receive_buffer) != napi_ok ||
	    !get_optional_text(env, arguments[3], netns, sizeof(netns), &options.netns) ||
	    !is_function(env, arguments[4]))
		return throw_argument(env, "openNetlink: expected (protocol, groups, receiveBuffer, netns, listener)");

	handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return throw_errno(env, "open a netlink socket", -ENOMEM);
	handle->env = env;
	if (make_deliver(env, arguments[4], handle) != napi_ok) {
		free(handle);
		return throw_errno(env, "open a netlink socket", -ENOMEM);
	}
	handle->holders = 1;
	callbacks.context = handle;
	result = netlink_socket_open(&handle->socket, &options, &callbacks);
	if (result < 0) {
		/* `deliver` frees the handle when it is finalized. */
		napi_release_threadsafe_function(handle->deliver, napi_tsfn_abort);
		return throw_errno(env, options.netns == NULL ? "open a netlink socket"
							      : "open a netlink socket in a network namespace", result);
	}
	if (make_object(env, handle, &object) != napi_ok) {
		close_handle(handle);
		return throw_errno(env, "open a netlink socket", -ENOMEM);
	}
	handle->holders++;
	/* Added after the threadsafe function's own hook, so it runs before it. */
	napi_add_env_cleanup_hook(env, on_env_cleanup, handle);
	return object;
}
