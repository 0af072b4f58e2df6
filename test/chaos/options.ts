// The command line of the chaos suite: parsed, bounded, explained. Pure.

import { parseArgs } from 'node:util';
import { BACKENDS, type Backend, type Setting } from './setting.js';

export interface ChaosOptions extends Setting {
  /** Which part to run. */
  readonly part: 'all' | 'faults' | 'pools';
  /** The one episode to run, from 1; undefined for all. */
  readonly only: number | undefined;
  /** Where to keep every log line of daemons and every change in etcd; undefined for nowhere. */
  readonly logs: string | undefined;
  /** Show what would be done, and do nothing. */
  readonly dry: boolean;
}

export const CHAOS_HELP = `Usage: npm run chaos -- [options]

Makes hosts out of Linux namespaces with a real flanneld each and an etcd of three members,
breaks them by chance, and checks from outside all along that nothing is lost that must not be.

  --minutes N       how long faults are injected, in minutes (default: 10)
  --seed S          a whole number that decides every fault (default: a new one, printed)
  --hosts N         how many hosts, 3 to 12 (default: 5)
  --backend NAME    ${BACKENDS.join(', ')} (default: vxlan)
  --ttl N           life of a lease without a keep-alive, in seconds, 10 to 86400 (default: 12)
  --part NAME       all, faults (random ones) or pools (20 daemons at once) (default: all)
  --only N          of the seed's episodes only this one
  --logs FOLDER     keep the whole logs of the daemons and all changes in etcd there
  --dry             print the schedule and do nothing
  --help            this text

Ends with 0 when nothing was violated, with 1 otherwise. Needs root. Leaves nothing behind.
`;

/** A wrong command line, in one line. */
export class ChaosUsageError extends Error {}

/** Parses the arguments after the program's name; undefined when help is asked for. @throws ChaosUsageError */
export function parseChaosOptions(args: readonly string[], freshSeed: number): ChaosOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  return {
    minutes: number('minutes', values.minutes ?? '10', 0.1, 1440),
    seed: whole('seed', values.seed ?? String(freshSeed), 0, 2 ** 31 - 1),
    hosts: whole('hosts', values.hosts ?? '5', 3, 12),
    backend: choice<Backend>('backend', values.backend ?? 'vxlan', BACKENDS),
    ttlSeconds: whole('ttl', values.ttl ?? '12', 10, 86_400),
    part: choice('part', values.part ?? 'all', ['all', 'faults', 'pools']),
    only: values.only === undefined ? undefined : whole('only', values.only, 1, 100_000),
    logs: values.logs,
    dry: values.dry === true,
  };
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > most)
    throw new ChaosUsageError(`--${name} ${text}: must be a number from ${least} to ${most}`);
  return value;
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = number(name, text, least, most);
  if (!Number.isInteger(value)) throw new ChaosUsageError(`--${name} ${text}: must be a whole number`);
  return value;
}

function choice<T extends string>(name: string, text: string, known: readonly T[]): T {
  const found = known.find((candidate) => candidate === text);
  if (found === undefined)
    throw new ChaosUsageError(`--${name} ${text}: not known; choose from: ${known.join(', ')}`);
  return found;
}

interface RawOptions {
  readonly [name: string]: string | boolean | undefined;
  readonly minutes?: string;
  readonly seed?: string;
  readonly hosts?: string;
  readonly backend?: string;
  readonly ttl?: string;
  readonly part?: string;
  readonly only?: string;
  readonly logs?: string;
  readonly dry?: boolean;
  readonly help?: boolean;
}

function parse(args: readonly string[]): RawOptions {
  const texts = ['minutes', 'seed', 'hosts', 'backend', 'ttl', 'part', 'only', 'logs'];
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        ...Object.fromEntries(texts.map((name) => [name, { type: 'string' as const }])),
        dry: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    // parseArgs adds advice after its first sentence; one line says enough.
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new ChaosUsageError(`${line}; see --help`);
  }
}
