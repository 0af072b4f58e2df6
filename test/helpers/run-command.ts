// Runs a command of the table within the test, with what it prints caught, and a person or a pipe at its standard input.

import { Readable } from 'node:stream';
import { runCommand } from '../../src/commands/index.js';

export interface CommandRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandSurroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** What is piped in. */
  readonly input?: string;
  /** What a person at a terminal types, perhaps after something else has happened. */
  readonly typed?: string | (() => Promise<string>);
}

export async function command(
  words: readonly string[],
  { env = {}, input, typed }: CommandSurroundings = {},
): Promise<CommandRun> {
  let [out, err] = ['', ''];
  const typing = async function* (): AsyncGenerator<string> {
    yield typeof typed === 'function' ? await typed() : (typed ?? input ?? '');
  };
  const stdin = Object.assign(Readable.from(typing()), { isTTY: typed !== undefined });
  const code = await runCommand(words, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env,
    stdin,
  });
  return { code, out, err };
}
