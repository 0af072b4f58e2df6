// The resident bench: how much memory a flanneld holds that has been at rest for a minute, with few peers and with many, beside a
// Node that does nothing; and how long its start took. Run by `npm run bench:resident`; needs root.

import { readFileSync } from 'node:fs';
import type { Argv } from '../src/lab/processes.js';
import { table } from '../src/lab/demo-report.js';
import { runBench, type NewProcesses } from './edge.js';
import { machine, machineLine, show, summarize } from './machine.js';
import { inCheckout, oursCommand, readOptions, wholeNumber, wholeNumbers } from './options.js';
import { residentRound, type ResidentFigures, type ResidentSubject } from './resident-run.js';
import { writeResults } from './results.js';
import { inTurn } from './rounds.js';

const HELP = `Usage: npm run bench:resident -- [options]

  --quick           one repetition, a rest of 10 s
  --repetitions N   how many (default: 5)
  --peers N,N       how many peers there are (default: 3,5000)
  --rest SECONDS    how long it is left alone before it is looked at (default: 60)
  --ours PATH       another program in place of the bundle, started as packaging/launcher does
  --out FILE        where the JSON goes (default: bench/results/resident.json)
`;

interface Options {
  readonly repetitions: number;
  readonly restSeconds: number;
  readonly command: Argv;
  readonly subjects: readonly ResidentSubject[];
  readonly out: string;
}

/** The bundle, with the settings that an installed flanneld is started with. Throws an Error for a launcher that has none. */
function installedCommand(): Argv {
  const launcher = readFileSync(inCheckout('packaging/launcher'), 'utf8');
  const [, variable] = /^export (\S+)$/m.exec(launcher) ?? [];
  const isPlain = /^exec \S+ \S+\/start\.cjs "\$@"$/m.test(launcher);
  if (variable === undefined || !isPlain) throw new Error('packaging/launcher is not as this bench knows it');
  return ['env', variable, process.execPath, inCheckout('dist/daemon/start.cjs')];
}

function parse(args: readonly string[]): Options | undefined {
  const values = readOptions(args, ['repetitions', 'peers', 'rest']);
  if (values.help) return undefined;
  const peers = wholeNumbers('peers', values.peers ?? '3,5000', 16_000);
  return {
    repetitions: wholeNumber('repetitions', values.repetitions ?? (values.quick ? 1 : 5)),
    restSeconds: wholeNumber('rest', values.rest ?? (values.quick ? 10 : 60)),
    command: values.ours === undefined ? installedCommand() : oursCommand(values.ours),
    subjects: ['empty node', ...peers],
    out: inCheckout('bench/results/resident.json', values.out),
  };
}

type Results = ReadonlyMap<ResidentSubject, readonly ResidentFigures[]>;

function text(results: Results): string {
  const column = (subject: ResidentSubject, of: (figures: ResidentFigures) => number): number[] =>
    (results.get(subject) ?? []).map(of);
  const base = summarize(column('empty node', ({ resident }) => resident)).median;
  const rows = [...results.keys()].map((subject) => {
    const resident = summarize(column(subject, (figures) => figures.resident));
    return [
      typeof subject === 'number' ? `flanneld, ${subject} peers` : subject,
      show(resident, 1),
      show(summarize(column(subject, ({ proportional }) => proportional)), 1),
      show(summarize(column(subject, ({ anonymous }) => anonymous)), 1),
      (resident.median / base).toFixed(2),
      typeof subject === 'number' ? show(summarize(column(subject, ({ toEnv }) => toEnv ?? NaN)), 2) : '',
    ];
  });
  const head = [
    'MiB, median (range)',
    'resident',
    'proportional',
    'its own',
    'of empty node',
    'start to env file, s',
  ];
  return table([head, ...rows]);
}

async function measureAll(options: Options, processes: NewProcesses): Promise<Results> {
  const { command, restSeconds, repetitions, subjects } = options;
  const results = new Map<ResidentSubject, ResidentFigures[]>(subjects.map((subject) => [subject, []]));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const order = inTurn(subjects, repetition);
    const round = await residentRound({ command, restSeconds, subjects: order, processes });
    for (const [subject, figures] of round) results.get(subject)?.push(figures);
    console.log(`  ${repetition + 1}/${repetitions}: ${JSON.stringify(Object.fromEntries(round))}`);
  }
  return results;
}

await runBench({
  help: HELP,
  parse,
  run: async (options, processes) => {
    console.log(machineLine(machine()));
    const results = await measureAll(options, processes);
    console.log(`\n${text(results)}\n`);
    writeResults(options.out, { restSeconds: options.restSeconds, figures: Object.fromEntries(results) });
    return true;
  },
});
