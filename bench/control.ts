// The control bench: how fast a flanneld brings many peers from etcd into the kernel, and what it costs.
// Ours and, where it is built, upstream's, alternating in one run. Run by `npm run bench:control`; needs root.

import { spawnSync } from 'node:child_process';
import type { Argv } from '../src/lab/processes.js';
import { findUpstream, UPSTREAM_VERSION } from '../src/lab/upstream.js';
import { figuresTable } from './control-report.js';
import { measure, measureEtcd, type Figures } from './control-run.js';
import { runBench, type NewProcesses } from './edge.js';
import { machine, machineLine, show, summarize } from './machine.js';
import { chosen, inCheckout, oursCommand, readOptions, wholeNumber, wholeNumbers } from './options.js';
import { writeResults } from './results.js';
import { inTurn } from './rounds.js';

const HELP = `Usage: npm run bench:control -- [options]

  --quick           one repetition of each, for a first look
  --repetitions N   how many of each (default: 5)
  --peers N,N       how many peers are put at once (default: 1000,5000)
  --only NAME       ours or upstream (default: both, upstream where it is built)
  --ours PATH       another program in place of this project's flanneld
  --out FILE        where the JSON goes (default: bench/results/control.json)
`;

interface Subject {
  readonly name: string;
  readonly command: Argv;
}

interface Options {
  readonly repetitions: number;
  readonly peers: readonly number[];
  readonly ours: Argv;
  readonly subjects: readonly Subject[];
  readonly out: string;
  readonly restSeconds: number;
}

function parse(args: readonly string[]): Options | undefined {
  const values = readOptions(args, ['repetitions', 'peers', 'only']);
  if (values.help) return undefined;
  const ours = oursCommand(values.ours);
  const upstream = findUpstream(process.env);
  const all: Subject[] = [{ name: 'ours', command: ours }];
  if (upstream !== undefined) all.push({ name: 'upstream', command: [upstream] });
  const names = chosen(
    'only',
    values.only,
    all.map(({ name }) => name),
  );
  return {
    repetitions: wholeNumber('repetitions', values.repetitions ?? (values.quick ? 1 : 5)),
    peers: wholeNumbers('peers', values.peers ?? '1000,5000', 16_000),
    ours,
    subjects: all.filter(({ name }) => names.includes(name)),
    out: inCheckout('bench/results/control.json', values.out),
    restSeconds: values.quick ? 2 : 5,
  };
}

class Results {
  readonly etcd = new Map<number, number[]>();
  readonly figures = new Map<string, Figures[]>();

  of(subject: string, peers: number): readonly Figures[] {
    return this.figures.get(`${subject} ${peers}`) ?? [];
  }

  text({ peers: numbers, repetitions, subjects }: Options): string {
    const parts = numbers.flatMap((peers) => [
      `${peers} peers, median (range) of ${repetitions}:`,
      figuresTable(
        subjects.map(({ name }) => ({ name, figures: this.of(name, peers) })),
        { ratio: subjects.length === 2 },
      ),
      `etcd's own share (a bare watcher, first put to last event): ${show(summarize(this.etcd.get(peers) ?? []), 2)} s\n`,
    ]);
    return parts.join('\n');
  }
}

async function measureAll(options: Options, processes: NewProcesses): Promise<Results> {
  const results = new Results();
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    for (const peers of options.peers) {
      const share = await measureEtcd(options.ours, peers, processes());
      results.etcd.set(peers, [...(results.etcd.get(peers) ?? []), share]);
      for (const { name, command } of inTurn(options.subjects, repetition)) {
        const { restSeconds } = options;
        const run = { command, backend: 'vxlan', peers, restSeconds, processes: processes() } as const;
        const figures = await measure(run);
        results.figures.set(`${name} ${peers}`, [...results.of(name, peers), figures]);
        const which = `${repetition + 1}/${options.repetitions} ${name}, ${peers} peers`;
        console.log(`  ${which}: ${JSON.stringify(figures)}`);
      }
    }
  }
  return results;
}

await runBench({
  help: HELP,
  parse,
  run: async (options, processes) => {
    const [etcd = ''] = spawnSync('etcd', ['--version'], { encoding: 'utf8' }).stdout.split('\n');
    const names = options.subjects.map(({ name }) => name).join(' and ');
    console.log(machineLine(machine(), etcd));
    console.log(`measuring ${names} (upstream is ${UPSTREAM_VERSION})`);
    const results = await measureAll(options, processes);
    console.log(`\n${results.text(options)}`);
    const json = {
      upstream: UPSTREAM_VERSION,
      repetitions: options.repetitions,
      etcdSeconds: Object.fromEntries(results.etcd),
      figures: Object.fromEntries(results.figures),
    };
    writeResults(options.out, json, { etcd });
    return true;
  },
});
