// Upstream's flanneld for tests: found where scripts/interop.mjs has put it, asked for loudly where missing.

import type { ExecutionContext } from 'ava';
import type { Argv } from '../../src/lab/processes.js';
import { findUpstream, upstreamPath, UPSTREAM_VERSION } from '../../src/lab/upstream.js';
import { canMakeHosts } from './lab.js';

/** The command, or undefined when hosts or upstream are missing (an error in CI, a logged pass elsewhere). */
export function upstreamCommand(t: ExecutionContext): Argv | undefined {
  if (!canMakeHosts(t)) return undefined;
  const path = findUpstream(process.env);
  if (path !== undefined) return [path];
  const missing = `upstream's flanneld ${UPSTREAM_VERSION} at ${upstreamPath(process.env)} (npm run test:interop builds it)`;
  if ((process.env['CI'] ?? '') !== '') throw new Error(`this test needs ${missing}`);
  t.log(`not run: it needs ${missing}`);
  t.pass();
  return undefined;
}
