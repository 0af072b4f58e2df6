// The command line of the dataplane bench: parsed, bounded, explained. Pure.

import type { Argv } from '../src/lab/processes.js';
import type { Effort } from './dataplane-measures.js';
import { MEASURE_NAMES, type MeasureName } from './dataplane-metrics.js';
import {
  BenchUsageError,
  chosen,
  inCheckout,
  oursCommand,
  readOptions,
  wholeNumber,
  wholeNumbers,
} from './options.js';
import { SUBJECTS, type SubjectName } from './subjects.js';

const LEAST_MTU = 1280;

export const DATAPLANE_HELP = `Usage: npm run bench -- [options]

Carries traffic between two pods on two hosts, over everything that can carry it, alternating in one run:
${SUBJECTS.join(', ')}.

  --rounds N        how many rounds, each measures everything once (default: 5)
  --seconds N       how long each transfer takes (default: 3)
  --subjects A,B    some of the subjects above (default: all that are installed)
  --measures A,B    some of ${MEASURE_NAMES.join(', ')}
                    (default: all)
  --mtu N,N         MTUs of the wire; at the second and later ones, TCP with one stream only (default: 1500,9000)
  --quick           one short round at the first MTU, for a first look
  --ours PATH       another program in place of this project's flanneld
  --out FILE        where the JSON goes (default: bench/results/dataplane.json)
  --svg FILE        where the picture goes (default: docs/bench-dataplane.svg for a whole run,
                    bench/results/dataplane.svg for one of chosen or fewer things)
  --help            this text

Needs root. What it means: docs/benchmarks.md.
`;

export interface DataplaneOptions {
  readonly rounds: number;
  readonly effort: Effort;
  readonly subjects: readonly SubjectName[];
  /** Whether subjects were asked for by name: then each must be there. */
  readonly named: boolean;
  readonly measures: readonly MeasureName[];
  readonly mtus: readonly number[];
  readonly ours: Argv;
  readonly out: string;
  readonly svg: string;
}

/** Parses the arguments after the program's name; undefined for --help. @throws BenchUsageError */
export function parseDataplaneOptions(args: readonly string[]): DataplaneOptions | undefined {
  const values = readOptions(args, ['rounds', 'seconds', 'subjects', 'measures', 'mtu', 'svg']);
  if (values.help) return undefined;
  const { quick } = values;
  const mtus = wholeNumbers('mtu', values.mtu ?? (quick ? '1500' : '1500,9000'), 65_000);
  const small = mtus.find((mtu) => mtu < LEAST_MTU);
  if (small !== undefined) throw new BenchUsageError(`--mtu ${small}: at least ${LEAST_MTU}`);
  const seconds = wholeNumber('seconds', values.seconds ?? (quick ? 1 : 3), 600);
  const whole =
    !quick && [values.subjects, values.measures, values.mtu].every((value) => value === undefined);
  return {
    rounds: wholeNumber('rounds', values.rounds ?? (quick ? 1 : 5)),
    effort: quick
      ? { seconds, trialSeconds: 0.2, trials: 5, roundTrips: 1000, restSeconds: 2 }
      : { seconds, trialSeconds: 0.5, trials: 8, roundTrips: 5000, restSeconds: 10 },
    subjects: chosen('subjects', values.subjects, SUBJECTS),
    named: values.subjects !== undefined,
    measures: chosen('measures', values.measures, MEASURE_NAMES),
    mtus: [...new Set(mtus)],
    ours: oursCommand(values.ours),
    out: inCheckout('bench/results/dataplane.json', values.out),
    svg: inCheckout(whole ? 'docs/bench-dataplane.svg' : 'bench/results/dataplane.svg', values.svg),
  };
}
