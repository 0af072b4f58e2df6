// The scale bench: what a number of peers costs each backend of our daemon, in time, memory and processor, alternating
// in one run. Run by `npm run bench:scale`; needs root. Against upstream: control.ts.

import type { Argv } from '../src/lab/processes.js';
import type { BackendName } from './control-peers.js';
import { figuresTable } from './control-report.js';
import { measure, type Figures } from './control-run.js';
import { runBench, type NewProcesses } from './edge.js';
import { machine, machineLine } from './machine.js';
import { chosen, inCheckout, oursCommand, readOptions, wholeNumber, wholeNumbers } from './options.js';
import { writeResults } from './results.js';
import { inTurn } from './rounds.js';

const BACKENDS: readonly BackendName[] = ['vxlan', 'host-gw', 'udp'];
const HELP = `Usage: npm run bench:scale -- [options]

  --rounds N        how many rounds, each measures every backend once (default: 3)
  --peers N,N       how many peers are put at once (default: 10,1000,5000)
  --backends A,B    some of ${BACKENDS.join(', ')} (default: all)
  --quick           one round, shorter rests, for a first look
  --ours PATH       another program in place of this project's flanneld
  --out FILE        where the JSON goes (default: bench/results/scale.json)

What it means: docs/benchmarks.md.
`;

interface Options {
  readonly rounds: number;
  readonly peers: readonly number[];
  readonly backends: readonly BackendName[];
  readonly ours: Argv;
  readonly out: string;
  readonly restSeconds: number;
}

function parse(args: readonly string[]): Options | undefined {
  const values = readOptions(args, ['rounds', 'peers', 'backends']);
  if (values.help) return undefined;
  return {
    rounds: wholeNumber('rounds', values.rounds ?? (values.quick ? 1 : 3)),
    peers: wholeNumbers('peers', values.peers ?? '10,1000,5000', 16_000),
    backends: chosen('backends', values.backends, BACKENDS),
    ours: oursCommand(values.ours),
    out: inCheckout('bench/results/scale.json', values.out),
    restSeconds: values.quick ? 1 : 3,
  };
}

/** By number of peers, then backend: one entry a round. */
type Results = ReadonlyMap<number, ReadonlyMap<BackendName, Figures[]>>;

async function measureAll(options: Options, processes: NewProcesses): Promise<Results> {
  const { rounds, backends, ours: command, restSeconds } = options;
  const results = new Map(
    options.peers.map((peers) => [
      peers,
      new Map(backends.map((name): [BackendName, Figures[]] => [name, []])),
    ]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const [peers, byBackend] of results) {
      for (const backend of inTurn(backends, round)) {
        const figures = await measure({ command, backend, peers, restSeconds, processes: processes() });
        byBackend.get(backend)?.push(figures);
        console.log(`  ${round + 1}/${rounds} ${backend}, ${peers} peers: ${JSON.stringify(figures)}`);
      }
    }
  }
  return results;
}

await runBench({
  help: HELP,
  parse,
  run: async (options, processes) => {
    console.log(machineLine(machine()));
    const results = await measureAll(options, processes);
    for (const [peers, byBackend] of results) {
      const columns = [...byBackend].map(([name, figures]) => ({ name, figures }));
      console.log(`\n${peers} peers, median (range) of ${options.rounds}:`);
      console.log(figuresTable(columns, { ratio: false }));
    }
    const figures = [...results].map(([peers, byBackend]) => ({ peers, ...Object.fromEntries(byBackend) }));
    writeResults(options.out, { rounds: options.rounds, figures });
    return true;
  },
});
