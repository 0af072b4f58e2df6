// Reading a bench's command line: numbers within bounds, lists, the daemon to measure; what is wrong, in one line.
// Pure. What options there are is each bench's own business.

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Argv } from '../src/lab/processes.js';

const ROOT = resolve(import.meta.dirname, '../..');

/** A wrong command line, in one line. */
export class BenchUsageError extends Error {}

/** What every bench has, and texts by name of what it has besides. */
type Values<N extends string> = { readonly quick: boolean; readonly help: boolean } & {
  readonly [name in N | 'ours' | 'out']?: string;
};

/** Reads --quick, --help, --ours, --out and the options of those `names`, which take a value. @throws BenchUsageError */
export function readOptions<N extends string>(args: readonly string[], names: readonly N[]): Values<N> {
  const texts = Object.fromEntries(
    ['ours', 'out', ...names].map((name) => [name, { type: 'string' as const }]),
  );
  try {
    const options = { ...texts, quick: { type: 'boolean' }, help: { type: 'boolean' } } as const;
    const { values } = parseArgs({ args: [...args], options });
    return { ...(values as Values<N>), quick: values.quick === true, help: values.help === true };
  } catch (error) {
    // parseArgs adds advice after its first sentence; one line says enough.
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new BenchUsageError(`${line}; see --help`);
  }
}

/** The value of --`name`: a whole number from 1 to `most`. */
export function wholeNumber(name: string, value: string | number, most = 9999): number {
  const number = Number(value);
  if (!/^\d+$/.test(String(value)) || number < 1 || number > most)
    throw new BenchUsageError(`--${name} ${value}: must be a whole number from 1 to ${most}`);
  return number;
}

/** The value of --`name`: such numbers with commas between. */
export function wholeNumbers(name: string, value: string, most: number): number[] {
  return value.split(',').map((part) => wholeNumber(name, part, most));
}

/** The value of --`name`: some of `known`, with commas between; all when it is not given. In the order of `known`. */
export function chosen<T extends string>(name: string, value: string | undefined, known: readonly T[]): T[] {
  if (value === undefined) return [...known];
  const names = value.split(',');
  const strange = names.find((one) => !known.some((candidate) => candidate === one));
  if (strange !== undefined)
    throw new BenchUsageError(`--${name} ${strange}: not known; choose from: ${known.join(', ')}`);
  return known.filter((candidate) => names.includes(candidate));
}

/** How the daemon under measurement is started: this project's, unless --ours names another program. */
export function oursCommand(path: string | undefined): Argv {
  return path === undefined ? [process.execPath, resolve(ROOT, 'bin/flanneld')] : [resolve(path)];
}

/** Where a file of this checkout is, unless an option names another place. */
export function inCheckout(file: string, given?: string): string {
  return given === undefined ? resolve(ROOT, file) : resolve(given);
}
