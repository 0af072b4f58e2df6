// A file that a command is given, or standard input for `-`: bounded, as text.

import { open } from 'node:fs/promises';
import type { CommandIo } from './command.js';
import { CommandError, failed } from './errors.js';

/** What etcd takes is 1.5 MiB; a config has less than 1 KiB. */
const MAX_BYTES = 1_048_576;

/** Throws CommandError for what cannot be read, or is longer than 1 MiB. */
export async function readInput(file: string, { stdin }: Pick<CommandIo, 'stdin'>): Promise<string> {
  if (file !== '-') return readFile(file);
  if (stdin === undefined || stdin.isTTY === true)
    throw new CommandError(
      'command-usage',
      'there is nothing on standard input; give a file, or pipe the config in',
    );
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > MAX_BYTES) throw tooLong('standard input');
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readFile(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, null);
      if (bytesRead > MAX_BYTES) throw tooLong(path);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof CommandError ? error : failed(`cannot read ${path}`, error);
  }
}

function tooLong(what: string): CommandError {
  return new CommandError('command-failed', `${what} is longer than ${MAX_BYTES} bytes: no network config`);
}
