// What tells this boot of this machine from others: the boot id and the host's name.

import { hostname } from 'node:os';
import { StateError } from './errors.js';
import { readSystemFile, UnfitFileError } from './files.js';

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';
const BOOT_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\n?$/;
const LONGEST_NAME = 253;

/** The kernel's random id of this boot. Throws StateError `unusable`. */
export async function readBootId(file = BOOT_ID_FILE): Promise<string> {
  let reason = 'is not a boot id';
  try {
    const text = (await readSystemFile(file, 64))?.toString('latin1');
    if (text !== undefined && BOOT_ID.test(text)) return text.trimEnd();
    if (text === undefined) reason = 'is missing';
  } catch (error) {
    if (!(error instanceof UnfitFileError)) throw error;
    reason = error.reason;
  }
  throw new StateError('unusable', `${file} ${reason}: is /proc mounted?`);
}

/** The host's name for people: at most 253 printable characters, never empty. It identifies nothing. */
export function readHostName(name = hostname()): string {
  const printable = name.slice(0, LONGEST_NAME).replace(/[^\u0021-\u007e]/g, '?');
  return printable === '' ? '?' : printable;
}
