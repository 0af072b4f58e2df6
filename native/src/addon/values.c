/*
 * Values and errors between JavaScript and C, shared by the files of this folder. Knows no object of either side.
 */
#include "values.h"

#include "../errno_name.h"

#include <string.h>

napi_value throw_errno(napi_env env, const char *operation, int error)
{
	napi_value code, message, number, name, object;

	if (napi_create_string_utf8(env, errno_name(error), NAPI_AUTO_LENGTH, &code) != napi_ok ||
	    napi_create_string_utf8(env, operation, NAPI_AUTO_LENGTH, &message) != napi_ok ||
	    napi_create_string_utf8(env, operation, NAPI_AUTO_LENGTH, &name) != napi_ok ||
	    napi_create_int32(env, error < 0 ? -error : error, &number) != napi_ok ||
	    napi_create_error(env, code, message, &object) != napi_ok ||
	    napi_set_named_property(env, object, "errno", number) != napi_ok ||
	    napi_set_named_property(env, object, "operation", name) != napi_ok)
		return NULL;
	napi_throw(env, object);
	return NULL;
}

napi_value throw_argument(napi_env env, const char *message)
{
	napi_throw_type_error(env, NULL, message);
	return NULL;
}

bool get_text(napi_env env, napi_value value, char *text, size_t size)
{
	size_t length;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length >= size)
		return false;
	return napi_get_value_string_utf8(env, value, text, size, &length) == napi_ok && strlen(text) == length;
}

bool get_optional_text(napi_env env, napi_value value, char *text, size_t size, const char **ret)
{
	napi_valuetype type;

	if (napi_typeof(env, value, &type) != napi_ok)
		return false;
	*ret = type == napi_undefined ? NULL : text;
	return type == napi_undefined || get_text(env, value, text, size);
}

bool is_function(napi_env env, napi_value value)
{
	napi_valuetype type;

	return napi_typeof(env, value, &type) == napi_ok && type == napi_function;
}

void rethrow_uncaught(napi_env env)
{
	napi_value exception;
	napi_valuetype type;

	if (napi_get_and_clear_last_exception(env, &exception) == napi_ok &&
	    napi_typeof(env, exception, &type) == napi_ok && type != napi_undefined)
		napi_fatal_exception(env, exception);
}
