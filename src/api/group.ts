// The group of -socket-group: its id. From /etc/group alone; whoever has groups elsewhere gives the number.

import { readFileSync } from 'node:fs';
import { ApiError } from './errors.js';

const LARGEST_ID = 0xffff_fffe;

/** Undefined for no name. Throws ApiError `no-such-group`. */
export function groupId(name: string, file = '/etc/group'): number | undefined {
  if (name === '') return undefined;
  const id = /^\d{1,10}$/.test(name) ? Number(name) : idOf(name, textOf(file));
  if (id !== undefined && id <= LARGEST_ID) return id;
  const message = `there is no group ${JSON.stringify(name.slice(0, 100))} in ${file}; make it (groupadd), or give its number`;
  throw new ApiError('no-such-group', message);
}

function idOf(name: string, text: string): number | undefined {
  for (const line of text.split('\n')) {
    const [group, , id = ''] = line.split(':');
    if (group === name && /^\d{1,10}$/.test(id)) return Number(id);
  }
  return undefined;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
