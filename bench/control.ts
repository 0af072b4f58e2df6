// The control bench: how fast a flanneld brings many peers from etcd into the kernel, and what it costs.
// Ours and, where it is built, upstream's, alternating in one run. Run by `npm run bench:control`; needs root.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../src/lab/demo-report.js';
import type { Argv } from '../src/lab/processes.js';
import { findUpstream, UPSTREAM_VERSION } from '../src/lab/upstream.js';
import { measure, measureEtcd, type Figures } from './control-run.js';
import { machine, show, summarize } from './machine.js';

const ROOT = resolve(import.meta.dirname, '../..');
const HELP = `Usage: npm run bench:control -- [options]

  --quick           one repetition of each, for a first look
  --repetitions N   how many of each (default: 5)
  --peers N,N       how many peers are put at once (default: 1000,5000)
  --only NAME       ours or upstream (default: both, upstream where it is built)
  --ours PATH       another program in place of this project's flanneld
  --out FILE        where the JSON goes (default: bench/results/control.json)
`;

interface Options {
  readonly repetitions: number;
  readonly peers: readonly number[];
  readonly only: string | undefined;
  readonly ours: Argv;
  readonly out: string;
  readonly restSeconds: number;
}

function parseOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      repetitions: { type: 'string' },
      peers: { type: 'string', default: '1000,5000' },
      only: { type: 'string' },
      ours: { type: 'string' },
      out: { type: 'string', default: resolve(ROOT, 'bench/results/control.json') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const peers = values.peers.split(',').map(Number);
  const repetitions = Number(values.repetitions ?? (values.quick ? 1 : 5));
  if (!peers.every((count) => Number.isInteger(count) && count > 0 && count <= 16_000)) {
    throw new RangeError(`--peers ${values.peers}: numbers from 1 to 16000, with commas between`);
  }
  if (!Number.isInteger(repetitions) || repetitions < 1) {
    throw new RangeError(`--repetitions ${String(values.repetitions)}: must be a positive number`);
  }
  const bin = resolve(ROOT, 'bin/flanneld');
  const ours: Argv = values.ours === undefined ? [process.execPath, bin] : [resolve(values.ours)];
  return { repetitions, peers, only: values.only, ours, out: values.out, restSeconds: values.quick ? 2 : 5 };
}

interface Subject {
  readonly name: string;
  readonly command: Argv;
}

function subjects(options: Options): Subject[] {
  const upstream = findUpstream(process.env);
  const all: Subject[] = [{ name: 'ours', command: options.ours }];
  if (upstream !== undefined) all.push({ name: 'upstream', command: [upstream] });
  const chosen = all.filter(({ name }) => options.only === undefined || options.only === name);
  if (chosen.length === 0) throw new RangeError(`--only ${String(options.only)}: not there to be measured`);
  return chosen;
}

/** Rows of the table: what is measured, how it is taken from a repetition, how many digits say enough. */
const ROWS: readonly (readonly [string, (figures: Figures) => number, number])[] = [
  ['start to env file, 2 peers, s', (f) => f.startToEnv, 3],
  ['resident with 2 peers, MiB', (f) => f.memoryIdle.resident, 1],
  ['  of which anonymous', (f) => f.memoryIdle.anonymous, 1],
  ['all put at once to last route, s', (f) => f.bulk, 2],
  ['resident after that, MiB', (f) => f.memoryAfterBulk.resident, 1],
  ['  of which anonymous', (f) => f.memoryAfterBulk.anonymous, 1],
  ['cold start to env file, s', (f) => f.coldToEnv, 3],
  ['cold start to last route, s', (f) => f.cold, 2],
  ['resident after that, MiB', (f) => f.memoryAfterCold.resident, 1],
  ['  of which anonymous', (f) => f.memoryAfterCold.anonymous, 1],
];

type Results = Map<string, Figures[]>;

function figuresOf(results: Results, subject: string, peers: number): readonly Figures[] {
  return results.get(`${subject} ${peers}`) ?? [];
}

function report(
  options: Options,
  who: readonly Subject[],
  results: Results,
  etcd: Map<number, number[]>,
): string {
  const parts: string[] = [];
  for (const peers of options.peers) {
    const names = who.map(({ name }) => name);
    const both = names.length === 2;
    const rows = ROWS.map(([label, take, digits]) => {
      const sums = names.map((name) => summarize(figuresOf(results, name, peers).map(take)));
      const [ours, theirs] = sums;
      const ratio =
        both && ours !== undefined && theirs !== undefined ? ours.median / theirs.median : undefined;
      return [label, ...sums.map((sum) => show(sum, digits)), ratio === undefined ? '' : ratio.toFixed(2)];
    });
    const share = show(summarize(etcd.get(peers) ?? []), 2);
    parts.push(
      `${peers} peers, median (range) of ${options.repetitions}:`,
      table([['', ...names, both ? 'ratio' : ''], ...rows]),
      `etcd's own share (a bare watcher, first put to last event): ${share} s\n`,
    );
  }
  return parts.join('\n');
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(HELP);
    return;
  }
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
  const who = subjects(options);
  const on = machine();
  const etcdVersion = spawnSync('etcd', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
  console.log(
    `${on.cpu}, ${on.cores} cores, ${on.memoryGiB} GiB, Linux ${on.kernel}, Node ${on.node}, ${etcdVersion}`,
  );
  console.log(`measuring ${who.map(({ name }) => name).join(' and ')} (upstream is ${UPSTREAM_VERSION})`);
  const results: Results = new Map();
  const etcd = new Map<number, number[]>();
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    for (const peers of options.peers) {
      etcd.set(peers, [...(etcd.get(peers) ?? []), await measureEtcd(options.ours, peers)]);
      // Who goes first changes, so that neither always finds the machine as the other left it.
      for (const { name, command } of repetition % 2 === 0 ? who : [...who].reverse()) {
        const figures = await measure({ command, peers, restSeconds: options.restSeconds });
        results.set(`${name} ${peers}`, [...figuresOf(results, name, peers), figures]);
        console.log(
          `  ${repetition + 1}/${options.repetitions} ${name}, ${peers} peers: ${JSON.stringify(figures)}`,
        );
      }
    }
  }
  console.log(`\n${report(options, who, results, etcd)}`);
  mkdirSync(dirname(options.out), { recursive: true });
  const json = {
    at: new Date().toISOString(),
    machine: { ...on, etcd: etcdVersion },
    upstream: UPSTREAM_VERSION,
    repetitions: options.repetitions,
    etcdSeconds: Object.fromEntries(etcd),
    figures: Object.fromEntries(results),
  };
  writeFileSync(options.out, JSON.stringify(json, null, 2) + '\n');
  console.log(`written to ${options.out}`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof RangeError || error instanceof TypeError ? 2 : 1;
}
