// Reads and writes kernel settings: files below /proc/sys. Which settings, and to what, is the callers' business.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelError } from '../kernel.js';
import { errnoOf, kernelError } from '../operation-errors.js';

/** The folder of settings; the kernel shows those of the reader's network namespace. */
export const SETTINGS_ROOT = '/proc/sys';

/** The setting's text without the final newline; undefined when there is none by that name. Rejects with KernelError. */
export async function readSetting(root: string, path: string): Promise<string | undefined> {
  const operation = `read the setting ${path}`;
  const file = fileOf(root, path, operation);
  try {
    return (await readFile(file, 'utf8')).trimEnd();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw settingError(operation, error);
  }
}

/** Rejects with KernelError; ENOENT when there is no such setting. */
export async function writeSetting(root: string, path: string, value: string): Promise<void> {
  const operation = `write the setting ${path}`;
  const file = fileOf(root, path, operation);
  try {
    // Never creates: 'r+' wants the file to be there.
    await writeFile(file, value, { flag: 'r+' });
  } catch (error) {
    throw settingError(operation, error);
  }
}

// A part may hold dots (`flannel.1`), but it is a name, not a way up.
function fileOf(root: string, path: string, operation: string): string {
  const parts = path.split('/');
  const safe = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'));
  if (!safe) throw kernelError(operation, errnoOf('EINVAL'), 'not a path below /proc/sys');
  return join(root, ...parts);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function settingError(operation: string, cause: unknown): KernelError {
  return kernelError(operation, errnoOf(codeOf(cause)), undefined, { cause });
}
