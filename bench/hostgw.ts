// The host-gw bench: TCP between pods of two hosts over our daemon's routes and over the same routes made by hand,
// alternating in one lab. Run by `npm run bench:hostgw`; needs root. What it shows is that we cost traffic nothing.

import { Cluster, type Member } from '../src/lab/cluster.js';
import { table } from '../src/lab/demo-report.js';
import { Flanneld } from '../src/lab/flanneld.js';
import type { Argv, Processes } from '../src/lab/processes.js';
import { tcpThroughput } from '../src/lab/throughput.js';
import { until } from '../src/lab/until.js';
import { runBench } from './edge.js';
import { machine, machineLine, show, summarize } from './machine.js';
import { inCheckout, oursCommand, readOptions, wholeNumber } from './options.js';
import { writeResults } from './results.js';

const CONFIG = { Network: '10.5.0.0/16', Backend: { Type: 'host-gw' } } as const;
const HELP = `Usage: npm run bench:hostgw -- [options]

  --rounds N    how many of each, alternating (default: 9)
  --seconds N   how long each measurement takes (default: 3)
  --quick       three rounds of one second, for a first look
  --ours PATH   another program in place of this project's flanneld
  --out FILE    where the JSON goes (default: bench/results/hostgw.json)
`;

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly ours: Argv;
  readonly out: string;
}

function parse(args: readonly string[]): Options | undefined {
  const values = readOptions(args, ['rounds', 'seconds']);
  if (values.help) return undefined;
  return {
    rounds: wholeNumber('rounds', values.rounds ?? (values.quick ? 3 : 9)),
    seconds: wholeNumber('seconds', values.seconds ?? (values.quick ? 1 : 3)),
    ours: oursCommand(values.ours),
    out: inCheckout('bench/results/hostgw.json', values.out),
  };
}

/** The routes by which two members reach each other, as arguments of `ip route add`. */
async function plainRoutes(cluster: Cluster): Promise<ReadonlyMap<Member, string>> {
  const leases = await cluster.leases();
  const entries = cluster.members.map((member): [Member, string] => {
    const peer = leases.find(({ publicIp }) => publicIp !== member.host.address);
    if (peer === undefined) throw new Error(`${member.host.name} has no peer`);
    return [member, `${peer.subnet} via ${peer.publicIp} dev eth0`];
  });
  return new Map(entries);
}

/** Two hosts whose routes are, at any time, either our daemon's or made by hand. */
class Scene {
  readonly #cluster: Cluster;
  readonly #routes: ReadonlyMap<Member, string>;

  private constructor(cluster: Cluster, routes: ReadonlyMap<Member, string>) {
    this.#cluster = cluster;
    this.#routes = routes;
  }

  static async set(cluster: Cluster): Promise<Scene> {
    await cluster.addMembers(2);
    await cluster.connected();
    return new Scene(cluster, await plainRoutes(cluster));
  }

  async byHand(): Promise<void> {
    for (const [member, route] of this.#routes) {
      if (member.flanneld.process.exit !== undefined) continue;
      await member.flanneld.stop();
      await member.host.ip(['route flush proto 241', `route add ${route}`]);
    }
  }

  async byUs(): Promise<void> {
    for (const [member, route] of this.#routes) {
      if (member.flanneld.process.exit === undefined) continue;
      await member.host.ip([`route delete ${route}`]);
      member.flanneld = await Flanneld.up(member.host, this.#cluster.daemonOptions());
    }
    for (const [{ host }, route] of this.#routes) {
      const shown = (): Promise<string> => host.must('ip', ['route', 'show']);
      await until(async () => (await shown()).includes(`${route} proto 241`), { what: route, state: shown });
    }
  }

  /** Bits per second from the first pod to the second. */
  async measure(seconds: number): Promise<number> {
    const [from, to] = this.#cluster.members;
    if (from === undefined || to === undefined) throw new Error('two members');
    return tcpThroughput(from.pod, { namespace: to.pod, address: to.pod.address }, seconds);
  }
}

interface Results {
  readonly ours: number[];
  readonly byHand: number[];
}

async function measureAll(options: Options, processes: Processes): Promise<Results> {
  const results: Results = { ours: [], byHand: [] };
  const cluster = await Cluster.create({ command: options.ours, config: CONFIG, processes });
  try {
    const scene = await Scene.set(cluster);
    // The first one warms up caches and clocks, for nobody's benefit.
    await scene.measure(1);
    for (let round = 0; round < options.rounds; round++) {
      const order = round % 2 === 0 ? (['ours', 'byHand'] as const) : (['byHand', 'ours'] as const);
      for (const who of order) {
        await (who === 'ours' ? scene.byUs() : scene.byHand());
        results[who].push(await scene.measure(options.seconds));
      }
      const [ours, byHand] = [results.ours.at(-1) ?? 0, results.byHand.at(-1) ?? 0];
      console.log(
        `  ${round + 1}/${options.rounds} ours ${gbits(ours)}, by hand ${gbits(byHand)}, ratio ${(ours / byHand).toFixed(3)}`,
      );
    }
  } finally {
    await cluster.close();
  }
  return results;
}

const gbits = (bitsPerSecond: number): string => `${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`;

function text({ ours, byHand }: Results, ratios: readonly number[]): string {
  const inGbits = (values: readonly number[]): string => show(summarize(values.map((bits) => bits / 1e9)), 2);
  return table([
    ['', `median (range) of ${ratios.length}`],
    ['our routes, Gbit/s', inGbits(ours)],
    ['the same by hand, Gbit/s', inGbits(byHand)],
    ['ratio, round by round', show(summarize(ratios), 3)],
  ]);
}

await runBench({
  help: HELP,
  parse,
  run: async (options, processes) => {
    console.log(machineLine(machine()));
    const figures = await measureAll(options, processes());
    const ratios = figures.ours.map((ours, round) => ours / (figures.byHand[round] ?? Number.NaN));
    console.log(`\n${text(figures, ratios)}\n`);
    writeResults(options.out, { seconds: options.seconds, bitsPerSecond: figures, ratios });
    return true;
  },
});
