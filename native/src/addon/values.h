/*
 * Values and errors between JavaScript and C, shared by the files of this folder. Knows no object of either side.
 */
#ifndef FLANNELD_ADDON_VALUES_H
#define FLANNELD_ADDON_VALUES_H

#include <node_api.h>

#include <stdbool.h>
#include <stddef.h>

/* Longest path or text taken from JavaScript, with its NUL. */
#define MAX_PATH 4096

/* The one place where -errno becomes a JavaScript error: {message, code: 'EPERM', errno: 1, operation}. Returns NULL. */
napi_value throw_errno(napi_env env, const char *operation, int error);

/* Throws a TypeError: TypeScript has checked arguments, this keeps memory safe if it has not. Returns NULL. */
napi_value throw_argument(napi_env env, const char *message);

/* Copies a string argument; false when it is none, holds a NUL, or does not fit. */
bool get_text(napi_env env, napi_value value, char *text, size_t size);

/* The same for an argument that may be undefined: *ret is then NULL, else `text`. */
bool get_optional_text(napi_env env, napi_value value, char *text, size_t size, const char **ret);

/* True when the value is a function. */
bool is_function(napi_env env, napi_value value);

/* An exception of a listener is a defect of the program: node treats it like any uncaught one. */
void rethrow_uncaught(napi_env env);

#endif
