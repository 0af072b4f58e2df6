// Runs `flanneld <command>` in this process, as the process edge would, and keeps what it prints.

import type { CommandIo } from '../../src/commands/command.js';
import { runCommand } from '../../src/commands/index.js';

export interface RanCommand {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface KeptIo extends CommandIo {
  printed(): { readonly out: string; readonly err: string };
}

export function keptIo(more: Partial<CommandIo> = {}): KeptIo {
  const [out, err]: [string[], string[]] = [[], []];
  return {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    env: {},
    ...more,
    printed: () => ({ out: out.join(''), err: err.join('') }),
  };
}

export async function command(words: readonly string[], more: Partial<CommandIo> = {}): Promise<RanCommand> {
  const io = keptIo(more);
  const code = await runCommand(words, io);
  return { code, ...io.printed() };
}
