// What a command is: a row of the table in index.ts, and what it is given. Types only.

import type { Argv } from 'yargs';

/** Where a command prints, and what it knows of its surroundings. */
export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The options as yargs has read them; each command knows the types of its own. */
export type CommandArguments = Readonly<Record<string, unknown>>;

export interface CommandRow {
  /** One word or several, as they are typed: `cni install`. */
  readonly name: string;
  readonly describe: string;
  /** Declares the options. */
  readonly options: (parser: Argv) => Argv;
  /** Rewrites the words first, where they follow older rules than yargs'. */
  readonly prepare?: (words: readonly string[]) => readonly string[];
  /** Resolves to the exit code. Throws CommandError. */
  readonly run: (args: CommandArguments, io: CommandIo) => Promise<number>;
}
