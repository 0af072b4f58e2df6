// How the daemons of a chaos run are started.

import type { Setting } from './setting.js';

/** The arguments of the daemon on the host with this number, counted from 0. */
export function daemonArguments(_setting: Setting, _index: number): readonly string[] {
  return [];
}

/** Those of the scenes with many daemons and a pool. */
export function poolArguments(): readonly string[] {
  return [];
}
