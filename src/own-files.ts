// Finds the files that come with the program: the addon, the CNI plugin. They lie beside it or in folders above, wherever it is run
// from: the compiler's output, the bundle of a checkout, an installed package. Opens none of them.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** From dist/src, and from dist/daemon, to the folder of the checkout. */
const LEVELS = 3;

/**
 * The path of the first of these relative `names` that exists, the nearest folder first; where there is none, where the last
 * of them would be in the farthest.
 */
export function ownFile(...names: readonly string[]): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  let path = '';
  for (let level = 0; level < LEVELS; level++) {
    for (const name of names) {
      path = join(folder, name);
      if (existsSync(path)) return path;
    }
    folder = dirname(folder);
  }
  return path;
}
