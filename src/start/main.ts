// The entry of the bundle, and the program of an installed flanneld: runs the daemon's code, compiled already where that can be.

import type { main } from '../flanneld/main.js';
import { ownBundle } from './bundle.js';
import { runBundle } from './code-cache.js';

const { exports, codeCache } = runBundle(ownBundle());
void (exports as { main: typeof main }).main(process.argv.slice(2), process.env, {
  codeCache,
  commands: () => import('../commands/index.js'),
});
