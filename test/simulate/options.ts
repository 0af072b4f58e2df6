// The simulation's command line: parsed, bounded, explained. Pure.

import { parseArgs } from 'node:util';

const MOST_SEED = 0x7fff_ffff;
const MOST_JOBS = 64;

export const HELP = `Usage: npm run simulate -- [options]

Lives through whole histories of a cluster in one process, a seed each: the daemons' own code over a store, kernels and
clocks in memory, with faults of every kind, and checks the invariants after every step (docs/simulation.md).

  --seeds A..B       which histories (default: 1..200)
  --jobs N           how many at a time (default: one a processor)
  --shrink SECONDS   how long to look for a smaller history that fails too (default: 60; 0: not at all)
  --replay FILE      lives through the history kept in a file, and prints all that was said
  --trace            with one seed: prints all that was said
  --help             this text

Ends with 1 when an invariant did not hold.
`;

export interface Options {
  readonly first: number;
  readonly last: number;
  readonly jobs: number;
  readonly shrinkMs: number;
  readonly replay: string | undefined;
  readonly trace: boolean;
  readonly help: boolean;
}

/** A wrong command line, in one line. */
export class SimulateUsageError extends Error {}

/** Parses the arguments after the program's name. @throws SimulateUsageError */
export function parseOptions(args: readonly string[], processors: number): Options {
  const values = parse(args);
  const [, first = '', last = first] = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(values.seeds ?? '1..200') ?? [];
  const wrong = first === '' || Number(last) < Number(first) || Number(last) > MOST_SEED;
  if (wrong)
    throw new SimulateUsageError(
      `--seeds ${values.seeds ?? ''}: must be a number or A..B, up to ${MOST_SEED}`,
    );
  return {
    first: Number(first),
    last: Number(last),
    jobs: number('jobs', values.jobs ?? String(processors), 1, MOST_JOBS),
    shrinkMs: number('shrink', values.shrink ?? '60', 0, 86_400) * 1000,
    replay: values.replay,
    trace: values.trace ?? false,
    help: values.help ?? false,
  };
}

function number(name: string, text: string, least: number, most: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new SimulateUsageError(`--${name} ${text}: must be a number from ${least} to ${most}`);
}

interface Values {
  readonly seeds?: string | undefined;
  readonly jobs?: string | undefined;
  readonly shrink?: string | undefined;
  readonly replay?: string | undefined;
  readonly trace?: boolean | undefined;
  readonly help?: boolean | undefined;
}

function parse(args: readonly string[]): Values {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const options = { seeds: text, jobs: text, shrink: text, replay: text, trace: flag, help: flag };
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new SimulateUsageError(`${line}; see --help`);
  }
}
