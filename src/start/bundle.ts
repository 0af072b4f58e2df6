// Which bundle the programs of this folder are about: the one they were built with, beside them.

import { fileURLToPath } from 'node:url';
import type { Bundle } from './code-cache.js';

/** Set by scripts/build-daemon.mjs: a hash of the bundle. */
declare const FLANNELD_BUILD: string;

export function ownBundle(): Bundle {
  return { file: fileURLToPath(new URL('daemon.cjs', import.meta.url)), build: FLANNELD_BUILD };
}
