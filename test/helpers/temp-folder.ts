// A folder for one test, gone after it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

export async function tempFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flanneld-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
