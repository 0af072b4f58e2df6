// What a command is: a row of the table in index.ts, and what it is given. Types only.

import type { Readable } from 'node:stream';
import type { Argv } from 'yargs';

/** Where a command prints, and what it knows of its surroundings. */
export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person sees what `out` prints. Absent: no. */
  readonly isTerminal?: boolean;
  /** Opened when it is first looked at. Absent: there is none. */
  readonly stdin?: Readable & { readonly isTTY?: boolean };
  /** From this call on Ctrl-C aborts the signal once, instead of ending the process. Absent: nobody can press it. */
  readonly interrupted?: () => AbortSignal;
}

/** Options and positionals as they were read; each command knows the types of its own. */
export type CommandArguments = Readonly<Record<string, unknown>>;

/** A word after the command's name that is no option. */
export interface Positional {
  /** As the help writes it and the arguments name it: `NAME`. */
  readonly name: string;
  readonly describe: string;
  /** Only the last ones may be. The argument is undefined without it. */
  readonly optional?: true;
  /** Only the last one may: the argument is a list of all words that are left. */
  readonly several?: true;
}

export interface CommandRow {
  /** One word or several, as they are typed: `cni install`. */
  readonly name: string;
  readonly describe: string;
  /** Declares the options. */
  readonly options: (parser: Argv) => Argv;
  readonly positionals?: readonly Positional[];
  /** Rewrites the words first, where they follow older rules than yargs'. */
  readonly prepare?: (words: readonly string[]) => readonly string[];
  /** Resolves to the exit code. Throws CommandError, or ApiError where the daemon was asked. */
  readonly run: (args: CommandArguments, io: CommandIo) => Promise<number>;
}
