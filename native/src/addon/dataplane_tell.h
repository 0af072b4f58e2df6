/*
 * What the engine tells of itself, as JavaScript values. NULL when JavaScript could not make them.
 */
#ifndef FLANNELD_ADDON_DATAPLANE_TELL_H
#define FLANNELD_ADDON_DATAPLANE_TELL_H

#include "../dataplane/engine.h"

#include <node_api.h>

/* Record<string, number>, by the names of counters.h. */
napi_value tell_counters(napi_env env, const struct engine *engine);

/* A Buffer of records: version, 7 bytes of padding, 16 of address, then four doubles (as engine_peers). */
napi_value tell_peers(napi_env env, const struct engine *engine);

/* string[]: the features in use. */
napi_value tell_features(napi_env env, const struct engine *engine);

#endif
