// The words after a command's name → its arguments, by its row: options by yargs, then positionals. Pure.
// Which row it is, and what happens then, is run.ts.

import yargs, { type Argv } from 'yargs';
import type { CommandArguments, CommandRow, Positional } from './command.js';
import { CommandError } from './errors.js';

/** Throws CommandError `command-usage` with one line on what is wrong. */
export function parseWords(row: CommandRow, words: readonly string[]): CommandArguments {
  const { _: given, ...args } = parserOf(row).parseSync([...words]) as CommandArguments;
  const repeated = Object.entries(args).find(([, value]) => Array.isArray(value));
  if (repeated !== undefined) throw usage(row, `${repeated[0]} was given twice`);
  return { ...args, ...placed(row, (given as readonly unknown[]).map(String)) };
}

/** What `flanneld <command> --help` prints. */
export async function rowHelp(row: CommandRow): Promise<string> {
  const { positionals = [] } = row;
  const width = Math.max(...positionals.map(({ name }) => name.length));
  const lines = positionals.map(({ name, describe }) => `  ${name.padEnd(width)}  ${describe}\n`);
  const taken = lines.length === 0 ? '' : `Arguments:\n${lines.join('')}\n`;
  return `flanneld ${synopsis(row)}: ${row.describe}\n\n${taken}${await parserOf(row).getHelp()}\n`;
}

/** An option as a row declares it. */
export interface DeclaredOption {
  readonly type?: string;
  readonly describe?: string;
  readonly default?: unknown;
}

/** The options of a row by their names; rows call nothing of the parser but what declares them. */
export function declaredOptions(row: CommandRow): Readonly<Record<string, DeclaredOption>> {
  const declared: Record<string, DeclaredOption> = {};
  const recorder = {
    options: (more: Record<string, DeclaredOption>) => {
      Object.assign(declared, more);
      return recorder;
    },
    option: (name: string, more: DeclaredOption) => {
      declared[name] = more;
      return recorder;
    },
  };
  row.options(recorder as unknown as Argv);
  return declared;
}

/** `networks add NAME [FILE]`. */
export function synopsis({ name, positionals = [] }: CommandRow): string {
  return [name, ...positionals.map(shape)].join(' ');
}

function shape({ name, optional, several }: Positional): string {
  const word = several === true ? `${name}…` : name;
  return optional === true ? `[${word}]` : word;
}

function parserOf(row: CommandRow): ReturnType<typeof yargs> {
  const parser = yargs([])
    .scriptName('flanneld')
    .parserConfiguration({
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .exitProcess(false)
    .help(false)
    .version(false)
    .strictOptions()
    .wrap(100)
    .fail((message: string) => {
      throw usage(row, message);
    });
  return row.options(parser);
}

function placed(row: CommandRow, given: readonly string[]): Record<string, unknown> {
  const { positionals = [] } = row;
  const args: Record<string, unknown> = {};
  for (const [index, { name, optional, several }] of positionals.entries()) {
    if (given[index] === undefined && optional !== true) throw usage(row, `${name} is missing`);
    args[name] = several === true ? given.slice(index) : given[index];
  }
  const last = positionals.at(-1);
  const stray = last?.several === true ? undefined : given[positionals.length];
  if (stray !== undefined) throw usage(row, `unexpected argument ${JSON.stringify(stray.slice(0, 100))}`);
  return args;
}

function usage({ name }: CommandRow, message: string): CommandError {
  return new CommandError('command-usage', `${message}; see flanneld ${name} --help`);
}
