/*
 * What the addon exports, one function each, made in the file of its subject.
 */
#ifndef FLANNELD_ADDON_BINDINGS_H
#define FLANNELD_ADDON_BINDINGS_H

#include <node_api.h>

napi_value js_open_netlink(napi_env env, napi_callback_info info);
napi_value js_open_dataplane(napi_env env, napi_callback_info info);
/* () → { counters: Record<name, text>, features: Record<name, text> }: the tables, for docs and checks. */
napi_value js_dataplane_names(napi_env env, napi_callback_info info);
napi_value js_create_tun(napi_env env, napi_callback_info info);
napi_value js_lock_file(napi_env env, napi_callback_info info);
napi_value js_open_echo(napi_env env, napi_callback_info info);
napi_value js_tx_checksum(napi_env env, napi_callback_info info);
napi_value js_set_tx_checksum(napi_env env, napi_callback_info info);

#endif
