// Asking a person before something is changed.

import { createInterface } from 'node:readline/promises';
import type { CommandIo } from './command.js';
import { CommandError } from './errors.js';

/**
 * Resolves when `y` or `yes` was typed, or `yes` (the option `--yes`) is set. Throws CommandError `command-failed` for any
 * other answer, `command-usage` where nobody can be asked.
 */
export async function confirm(io: CommandIo, question: string, yes: boolean): Promise<void> {
  if (yes) return;
  const { stdin } = io;
  if (stdin?.isTTY !== true)
    throw new CommandError('command-usage', `${question} Nobody can be asked; give --yes`);
  io.err(`${question} [y/N] `);
  const lines = createInterface({ input: stdin });
  const ended = new AbortController();
  lines.once('close', () => {
    ended.abort();
  });
  try {
    // Ctrl-D ends the input; the question would then wait for ever.
    const answer = await lines.question('', { signal: ended.signal }).catch(() => '');
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    lines.close();
  }
  throw new CommandError('command-failed', 'nothing was changed');
}
