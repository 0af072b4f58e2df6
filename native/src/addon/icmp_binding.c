/*
 * An echo socket as a JavaScript object. Ties its C lifetime to JavaScript's; rules in ../../README.md.
 */
#include "bindings.h"
#include "values.h"

#include "../icmp/echo_packet.h"
#include "../icmp/echo_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION "open a raw ICMP socket"

/*
 * Two sides hold it, each counted in `holders`: the JavaScript object, until its finalizer, and the threadsafe
 * function, until its own. Everything but on_data and on_error runs on the JavaScript thread, so a plain count does.
 */
struct handle {
	napi_env env;
	napi_threadsafe_function deliver;
	struct echo_socket *socket;		/* NULL once closed */
	int holders;
};

/* One call to the listener, made on the socket's thread, owned by the threadsafe function's queue until delivered. */
struct delivery {
	uint8_t *data;
	size_t length;
	int error;
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
		/* Lost, as packets may be; the bytes stay counted as unconsumed. */
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

static void on_error(void *context, int error)
{
	queue_delivery(context, (struct delivery){ .error = error });
}

/* On the JavaScript thread. `env` is NULL when the queue is emptied during a close. */
static void deliver_to_js(napi_env env, napi_value listener, void *context, void *data)
{
	struct handle *handle = context;
	struct delivery *delivery = data;
	napi_value arguments[2], receiver;
	napi_status status;

	if (env == NULL || handle->socket == NULL) {
		free_delivery(delivery);
		return;
	}
	if (delivery->data != NULL) {
		echo_socket_consumed(handle->socket, delivery->length);
		status = napi_create_buffer_copy(env, delivery->length, delivery->data, NULL, &arguments[0]);
	} else {
		status = napi_get_undefined(env, &arguments[0]);
	}
	if (status == napi_ok && napi_create_int32(env, -delivery->error, &arguments[1]) == napi_ok &&
	    napi_get_undefined(env, &receiver) == napi_ok)
		(void)napi_call_function(env, receiver, listener, 2, arguments, NULL);
	free_delivery(delivery);
	rethrow_uncaught(env);
}

static void close_handle(struct handle *handle)
{
	struct echo_socket *socket = handle->socket;

	if (socket == NULL)
		return;
	handle->socket = NULL;
	/* First the thread, which calls `deliver`; then `deliver`, which hands back what is still queued. */
	echo_socket_close(socket);
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

/* Copies the bytes of a Uint8Array of `min` to `max` bytes. */
static bool get_bytes(napi_env env, napi_value value, uint8_t *bytes, size_t min, size_t max, size_t *ret)
{
	napi_typedarray_type type;
	size_t length;
	void *data;

	if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok ||
	    type != napi_uint8_array || length < min || length > max)
		return false;
	if (length > 0)
		memcpy(bytes, data, length);
	*ret = length;
	return true;
}

/*
 * send(destination: Uint8Array, source: Uint8Array, sequence: number, length: number, payload: Uint8Array): number,
 * the milliseconds of CLOCK_MONOTONIC; addresses of 4 bytes
 */
static napi_value js_send(napi_env env, napi_callback_info info)
{
	size_t count = 5, length;
	napi_value arguments[5], ret;
	struct handle *handle = this_handle(env, info, &count, arguments);
	uint8_t payload[ECHO_PAYLOAD_MAX];
	struct echo_request request = { .payload = payload };
	uint32_t sequence, total;
	uint64_t sent_at;
	int result;

	if (handle == NULL || count != 5 || !get_bytes(env, arguments[0], request.destination, 4, 4, &length) ||
	    !get_bytes(env, arguments[1], request.source, 4, 4, &length) ||
	    napi_get_value_uint32(env, arguments[2], &sequence) != napi_ok || sequence > UINT16_MAX ||
	    napi_get_value_uint32(env, arguments[3], &total) != napi_ok || total > UINT16_MAX ||
	    !get_bytes(env, arguments[4], payload, 0, sizeof(payload), &request.payload_length))
		return throw_argument(env, "send: expected (destination, source, sequence, length, payload)");
	request.sequence = (uint16_t)sequence;
	request.length = (uint16_t)total;
	result = handle->socket == NULL ? -EBADF : echo_socket_send(handle->socket, &request, &sent_at);
	if (result < 0)
		return throw_errno(env, "send an ICMP echo request", result);
	return napi_create_double(env, (double)sent_at / 1000, &ret) == napi_ok ? ret : NULL;
}

/* dropped(): number */
static napi_value js_dropped(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	napi_value ret;
	struct handle *handle = this_handle(env, info, &count, NULL);

	if (handle == NULL)
		return throw_argument(env, "dropped: not an echo socket");
	if (handle->socket == NULL)
		return throw_errno(env, "read the counter of an echo socket", -EBADF);
	return napi_create_double(env, (double)echo_socket_dropped(handle->socket), &ret) == napi_ok ? ret : NULL;
}

/* close(): void */
static napi_value js_close(napi_env env, napi_callback_info info)
{
	size_t count = 0;
	struct handle *handle = this_handle(env, info, &count, NULL);

	if (handle == NULL)
		return throw_argument(env, "close: not an echo socket");
	close_handle(handle);
	return NULL;
}

static napi_status make_deliver(napi_env env, napi_value listener, struct handle *handle)
{
	napi_value name;
	napi_status status = napi_create_string_utf8(env, "flanneld echo", NAPI_AUTO_LENGTH, &name);

	if (status != napi_ok)
		return status;
	return napi_create_threadsafe_function(env, listener, NULL, name, 0, 1, handle, on_deliver_finalized, handle,
					       deliver_to_js, &handle->deliver);
}

static napi_status make_object(napi_env env, struct handle *handle, napi_value *ret)
{
	const napi_property_descriptor properties[] = {
		{ .utf8name = "send", .method = js_send },
		{ .utf8name = "dropped", .method = js_dropped },
		{ .utf8name = "close", .method = js_close },
	};
	napi_status status = napi_create_object(env, ret);

	if (status == napi_ok)
		status = napi_define_properties(env, *ret, 3, properties);
	if (status == napi_ok)
		status = napi_wrap(env, *ret, handle, on_object_finalized, NULL, NULL);
	return status;
}

/*
 * openEcho(identifier: number, netns: string | undefined, listener: (records: Buffer | undefined, errno: number) => void)
 *   → { send(…): number, dropped(): number, close(): void }
 */
napi_value js_open_echo(napi_env env, napi_callback_info info)
{
	size_t count = 3;
	napi_value arguments[3], object;
	char netns_text[MAX_PATH];
	const char *netns;
	struct echo_callbacks callbacks = { .data = on_data, .error = on_error };
	struct handle *handle;
	uint32_t identifier;
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 3 ||
	    napi_get_value_uint32(env, arguments[0], &identifier) != napi_ok || identifier > UINT16_MAX ||
	    !get_optional_text(env, arguments[1], netns_text, sizeof(netns_text), &netns) ||
	    !is_function(env, arguments[2]))
		return throw_argument(env, "openEcho: expected (identifier, netns, listener)");

	handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return throw_errno(env, OPERATION, -ENOMEM);
	handle->env = env;
	if (make_deliver(env, arguments[2], handle) != napi_ok) {
		free(handle);
		return throw_errno(env, OPERATION, -ENOMEM);
	}
	handle->holders = 1;
	callbacks.context = handle;
	result = echo_socket_open(&handle->socket, (uint16_t)identifier, netns, &callbacks);
	if (result < 0) {
		/* `deliver` frees the handle when it is finalized. */
		napi_release_threadsafe_function(handle->deliver, napi_tsfn_abort);
		return throw_errno(env, OPERATION, result);
	}
	if (make_object(env, handle, &object) != napi_ok) {
		close_handle(handle);
		return throw_errno(env, OPERATION, -ENOMEM);
	}
	handle->holders++;
	/* Added after the threadsafe function's own hook, so it runs before it. */
	napi_add_env_cleanup_hook(env, on_env_cleanup, handle);
	return object;
}
