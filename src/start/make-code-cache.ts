// Keeps the compiled code of the bundle for the starts to come: run where it is built or installed, and when Node is another one.

import { ownBundle } from './bundle.js';
import { writeCodeCache } from './write-code-cache.js';

writeCodeCache(ownBundle()).catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`flanneld: no code cache (${reason}); starts take longer, and nothing else\n`);
  process.exitCode = 1;
});
