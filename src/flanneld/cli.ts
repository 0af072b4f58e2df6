// argv and environment → Options, by the rules of Go's flag package with stricter errors. Pure: it prints nothing.
// What the options mean is not decided here. It takes the parser of yargs without the rest, which is for people and takes
// longer to load than all of the daemon's own code.

import yargsParser from 'yargs-parser';
import { durationSeconds } from './duration.js';
import { UsageError } from './errors.js';
import { environmentName, FLAG_NAMES, FLAGS, type FlagName, type FlagRow, type Options } from './flags.js';

export type Invocation =
  | { readonly action: 'run'; readonly options: Options }
  | { readonly action: 'help'; readonly text: string }
  | { readonly action: 'version' };

/**
 * One or two dashes, `-x v` or `-x=v`; a boolean takes its value only after `=`. The command line wins over
 * FLANNELD_*; an empty variable counts as unset. Throws UsageError with one line on what is wrong.
 */
export function parseCommandLine(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Invocation {
  const given = split(argv);
  if (given.has('help') || given.has('h')) return { action: 'help', text: helpText() };
  const entries = FLAG_NAMES.map((name) => [name, valueOf(name, given, environment)] as const);
  const options = Object.fromEntries(entries) as unknown as Options;
  return options.version ? { action: 'version' } : { action: 'run', options };
}

/** The flags, one a line, as `flanneld -help` prints them. */
export function helpText(): string {
  const lines = FLAG_NAMES.map((name) => {
    const row: FlagRow = FLAGS[name];
    const fallback =
      row.secret === true || row.type === 'list' || row.default === ''
        ? ''
        : ` (default ${String(row.default)})`;
    const later = row.harmless === undefined ? '' : ' [not supported yet]';
    return `  -${name}${row.type === 'boolean' ? '' : ` ${row.type === 'list' ? 'string' : row.type}`}\n      ${row.help}${fallback}${later}`;
  });
  return `Usage: flanneld [-flag[=value] ...]\n\nEvery flag can also be set as FLANNELD_<NAME>, for example FLANNELD_ETCD_PREFIX.\n\n${lines.join('\n')}\n`;
}

/** The flags that argv names, with their values as text; a repeated flag has several. */
function split(argv: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const first = argv[0];
  if (first !== undefined && !first.startsWith('-')) {
    throw new UsageError(`unknown command ${shown(first)}; see flanneld -help`);
  }
  checkBooleans(argv);
  const parsed = parse(argv);
  const rest = parsed['_'] as readonly (string | number)[];
  const stray = rest[0] === undefined ? undefined : String(rest[0]);
  if (stray !== undefined) {
    const what = /^-./.test(stray)
      ? `unknown flag ${shown(stray.replace(/=.*/s, '')).slice(1, -1)}`
      : `unexpected argument ${shown(stray)}`;
    throw new UsageError(`${what}; see flanneld -help`);
  }
  const known = new Set<string>([...FLAG_NAMES, 'help', 'h']);
  return new Map(
    Object.entries(parsed)
      .filter(
        ([name, value]) =>
          known.has(name) && value !== undefined && !(Array.isArray(value) && value.length === 0),
      )
      .map(([name, value]) => [name, (Array.isArray(value) ? value : [value]).map(String)]),
  );
}

// Everything is text to the parser, and every check is made below: its conversions are JavaScript's, not Go's.
function parse(argv: readonly string[]): Readonly<Record<string, unknown>> {
  const rowOf = (name: FlagName): FlagRow => FLAGS[name];
  const valued = FLAG_NAMES.filter((name) => rowOf(name).type !== 'boolean');
  const switches = [...FLAG_NAMES.filter((name) => rowOf(name).type === 'boolean'), 'help', 'h'];
  const { argv: parsed, error } = yargsParser.detailed([...argv], {
    configuration: {
      'short-option-groups': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'dot-notation': false,
      'unknown-options-as-args': true,
    },
    string: [...valued, ...switches],
    narg: Object.fromEntries(valued.map((name) => [name, 1])),
  });
  if (error !== null) throw new UsageError(usage(error.message));
  return parsed;
}

function usage(message: string): string {
  const missing = /^Not enough arguments following: (.+)$/.exec(message);
  return missing === null ? `${message}; see flanneld -help` : `flag -${missing[1] ?? ''} needs a value`;
}

/** `-ip-masq false` would set it to true in Go, and end the flags there; say how it is written instead. */
function checkBooleans(argv: readonly string[]): void {
  for (const [index, argument] of argv.entries()) {
    const name = /^--?([^=]+)$/.exec(argument)?.[1];
    const next = argv[index + 1];
    if (name === undefined || next === undefined || next.startsWith('-')) continue;
    if ((FLAGS as Record<string, FlagRow>)[name]?.type !== 'boolean') continue;
    const hint = toBoolean(next) === undefined ? `; see flanneld -help` : `; write -${name}=${next}`;
    throw new UsageError(`unexpected argument ${shown(next)} after -${name}${hint}`);
  }
}

function valueOf(
  name: FlagName,
  given: ReadonlyMap<string, readonly string[]>,
  environment: Readonly<Record<string, string | undefined>>,
): string | boolean | number | readonly string[] {
  const row: FlagRow = FLAGS[name];
  const fromArgv = given.get(name);
  // FLANNELD_VERSION has no effect upstream either: any Service named flanneld-version would print and exit.
  const fromEnvironment = name === 'version' ? '' : (environment[environmentName(name)] ?? '');
  const source = fromArgv === undefined ? environmentName(name) : `-${name}`;
  const texts = fromArgv ?? (fromEnvironment === '' ? [] : [fromEnvironment]);
  const last = texts.at(-1);
  if (last === undefined) return row.default;
  const value = row.type === 'list' ? texts : convert(row, source, last);
  if (row.harmless !== undefined && !row.harmless.includes(value as string)) {
    throw new UsageError(
      `${source}=${shown(String(value)).slice(1, -1)} is not supported yet; leave the flag out`,
    );
  }
  return value;
}

function convert(row: FlagRow, source: string, value: string): string | boolean | number {
  const said = row.secret === true ? '(hidden)' : shown(value);
  const wrong = (expected: string): UsageError =>
    new UsageError(`invalid value ${said} for ${source}: ${expected}`);
  switch (row.type) {
    case 'boolean': {
      const parsed = value === '' ? true : toBoolean(value);
      if (parsed === undefined) throw wrong('it is true or false');
      return parsed;
    }
    case 'integer':
      return bounded(row, toInteger(value), wrong);
    case 'duration':
      bounded(row, durationSeconds(value), wrong, 'a duration such as 24h or 90s', 's');
      return value;
    case 'string':
    case 'list':
      if (row.choices?.includes(value) === false) throw wrong(`it is one of ${row.choices.join(', ')}`);
      return value;
  }
}

function bounded(
  row: FlagRow,
  parsed: number | undefined,
  wrong: (expected: string) => UsageError,
  what = 'a whole number',
  unit = '',
): number {
  if (parsed === undefined) throw wrong(`it is ${what}`);
  const { min = -Infinity, max = Infinity } = row;
  if (parsed < min || parsed > max) throw wrong(`it must be ${min}${unit} to ${max}${unit}`);
  return parsed;
}

/** Quoted for a message, in one line of bounded length. */
function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/** The literals of Go's strconv.ParseBool. */
function toBoolean(value: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value) ? false : undefined;
}

/** Go's base-0 integers: decimal, 0x, 0o, 0b, a leading 0 for octal, underscores between digits. */
function toInteger(value: string): number | undefined {
  const match =
    /^([+-]?)(0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0[oO]?_?[0-7]+(?:_[0-7]+)*|0[bB]_?[01]+(?:_[01]+)*|0|[1-9]\d*(?:_\d+)*)$/.exec(
      value,
    );
  if (match === null) return undefined;
  const digits = (match[2] ?? '').replaceAll('_', '').toLowerCase();
  const number = Number(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return Number.isSafeInteger(number) ? (match[1] === '-' ? -number : number) : undefined;
}
