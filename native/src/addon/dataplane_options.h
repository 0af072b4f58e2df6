/*
 * The engine's options out of a JavaScript object. Bounds are checked as far as memory depends on them.
 */
#ifndef FLANNELD_ADDON_DATAPLANE_OPTIONS_H
#define FLANNELD_ADDON_DATAPLANE_OPTIONS_H

#include "../dataplane/engine.h"

#include <node_api.h>

/*
 * Reads what src/native.ts calls NativeDataplaneOptions. Returns NULL, or what is wrong, static text.
 */
const char *read_dataplane_options(napi_env env, napi_value object, struct engine_options *ret);

#endif
