// DEL: by what was recorded at ADD, so neither the env file nor today's config is needed. No record means that there is
// nothing to do, again and again. A damaged one is made good by a config made anew; where that cannot be, it is an error:
// a success here would leak an address for ever.

import { freshConf, type Call } from './context.js';
import { sortedJson } from './delegate-conf.js';
import { asCniError, CniError } from './errors.js';
import { typeOf } from './record.js';
import { delegateDel, namespaceFor, release } from './release.js';
import { StateFolder } from './state.js';
import { awaitQuiet } from './under-way.js';

/** Throws CniError; then the state is as it was. */
export function del(call: Call): void {
  const { invocation, conf, parts } = call;
  const { containerId, ifname, netns } = invocation;
  const state = new StateFolder(conf.dataDir);
  const found = state.find(containerId, ifname);
  switch (found.kind) {
    case 'record':
      if (!found.record.complete) awaitQuiet(parts, containerId, ifname);
      release(call, state, found.record, netns);
      return;
    case 'unreadable':
      delDamaged(call, found.path);
      state.removeFile(found.path);
      state.sweep(containerId, ifname);
      return;
    case 'absent':
      delUpstreams(call, state);
      state.sweep(containerId, ifname);
  }
}

/** What upstream's plugin has attached and recorded in its own way. */
function delUpstreams(call: Call, state: StateFolder): void {
  const { containerId, netns } = call.invocation;
  const upstreams = state.upstreams(containerId);
  if (upstreams === undefined) return;
  if (typeOf(upstreams.text) === undefined) delDamaged(call, upstreams.path);
  else delegateDel(call, call.invocation, upstreams.text, namespaceFor(call, netns, ''));
  state.removeFile(upstreams.path);
}

/** DEL without a usable record. An IPAM plugin knows an address by container and interface, so this releases it. */
function delDamaged(call: Call, path: string): void {
  const { parts, invocation } = call;
  let conf: string;
  try {
    conf = sortedJson(freshConf(call));
  } catch (error) {
    throw new CniError(
      'try-again',
      `failed to parse netconf: ${path} is damaged, and no config can be made in its place: ${asCniError(error).message}`,
      'it can be when flanneld is ready; or release the address by hand, and remove the file',
    );
  }
  parts.tell(`failed to parse netconf: ${path} is damaged; DEL goes on with a config made anew`);
  delegateDel(call, invocation, conf, namespaceFor(call, invocation.netns, ''));
}
