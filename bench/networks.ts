// The networks bench: one daemon a host with many networks. How long a network takes to be joined and left by one key in
// etcd, how long a daemon takes to start with all of them, and what they cost at rest. Run by `npm run bench:networks`.

import { Cluster } from '../src/lab/cluster.js';
import { table } from '../src/lab/demo-report.js';
import { Flanneld } from '../src/lab/flanneld.js';
import type { Host } from '../src/lab/host.js';
import { until } from '../src/lab/until.js';
import type { Argv } from '../src/lab/processes.js';
import { memoryOf } from './control-observers.js';
import { processSeconds } from './cpu.js';
import { runBench, type NewProcesses } from './edge.js';
import { machine, machineLine, summarize } from './machine.js';
import { inCheckout, oursCommand, readOptions, wholeNumber } from './options.js';
import { writeResults } from './results.js';

const HELP = `Usage: npm run bench:networks -- [options]

  --networks N      how many networks a host (default: 100)
  --hosts N         how many hosts (default: 3)
  --repetitions N   how many joins and leaves of one more network (default: 20)
  --rest N          seconds of rest (default: 30)
  --ours PATH       another flanneld than this checkout's
  --quick           ten networks, three repetitions, for a first look
  --out FILE        where the JSON goes (default: bench/results/networks.json)
`;

const PREFIX = '/flannel/networks';
const EXTRA = 'extra';

interface Options {
  readonly networks: number;
  readonly hosts: number;
  readonly repetitions: number;
  readonly restSeconds: number;
  readonly command: Argv;
  readonly out: string;
}

function parse(args: readonly string[]): Options | undefined {
  const values = readOptions(args, ['networks', 'hosts', 'repetitions', 'rest']);
  if (values.help) return undefined;
  const { quick } = values;
  return {
    networks: wholeNumber('networks', values.networks ?? (quick ? 10 : 100), 250),
    hosts: wholeNumber('hosts', values.hosts ?? 3, 20),
    repetitions: wholeNumber('repetitions', values.repetitions ?? (quick ? 3 : 20), 1000),
    restSeconds: wholeNumber('rest', values.rest ?? (quick ? 5 : 30), 600),
    command: oursCommand(values.ours),
    out: inCheckout('bench/results/networks.json', values.out),
  };
}

const configKey = (name: string): string => `${PREFIX}/${name}/config`;

function config(number: number): string {
  const Backend = { Type: 'vxlan', VNI: number };
  return JSON.stringify({ Network: `10.${number}.0.0/16`, SubnetLen: 24, Backend });
}

class Scene {
  readonly cluster: Cluster;
  readonly names: readonly string[];
  readonly #options: Options;
  readonly #daemons: { readonly host: Host; flanneld: Flanneld }[] = [];

  constructor(cluster: Cluster, options: Options) {
    this.cluster = cluster;
    this.#options = options;
    this.names = Array.from({ length: options.networks }, (_, index) => `n${index + 1}`);
  }

  get pids(): readonly number[] {
    return this.#daemons.map(({ flanneld }) => flanneld.process.pid);
  }

  async addHosts(): Promise<void> {
    for (let made = 0; made < this.#options.hosts; made++) {
      const host = await this.cluster.lab.addHost();
      this.#daemons.push({ host, flanneld: this.#start(host) });
    }
  }

  /** Seconds until all networks are ready on all hosts, from the first put. */
  async putAll(): Promise<number> {
    const begun = performance.now();
    for (const [index, name] of this.names.entries()) {
      await this.cluster.store.put(configKey(name), config(index + 1));
    }
    for (const { host } of this.#daemons) await this.#ready(host, this.names);
    return (performance.now() - begun) / 1000;
  }

  /** Seconds until all networks are ready on the first host, from the start of its daemon. */
  async restart(): Promise<number> {
    const [first] = this.#daemons;
    if (first === undefined) throw new RangeError('no host');
    await first.flanneld.stop('SIGTERM');
    first.flanneld = this.#start(first.host);
    await this.#ready(first.host, this.names);
    return (performance.now() - first.flanneld.startedAt) / 1000;
  }

  /** Milliseconds from the put of one more network until it is ready on every host. */
  async join(): Promise<number> {
    const begun = performance.now();
    await this.cluster.store.put(configKey(EXTRA), config(251));
    for (const { host } of this.#daemons) await this.#ready(host, [EXTRA], 2);
    return performance.now() - begun;
  }

  /** Milliseconds from its deletion until nothing of it is left on any host, with no grace. */
  async leave(): Promise<number> {
    const begun = performance.now();
    await this.cluster.store.delete(configKey(EXTRA));
    for (const { host } of this.#daemons) {
      await until(async () => ((await status(host, EXTRA)) === undefined ? true : undefined), {
        what: `${host.name} to leave`,
        timeoutMs: 60_000,
        intervalMs: 2,
      });
    }
    return performance.now() - begun;
  }

  #start(host: Host): Flanneld {
    const args = [`-networks-prefix=${PREFIX}`, '-network-grace=0s'];
    return Flanneld.start(host, { ...this.cluster.daemonOptions({ args }), command: this.#options.command });
  }

  async #ready(host: Host, names: readonly string[], intervalMs = 20): Promise<void> {
    const waiting = new Set(names);
    await until(
      async () => {
        for (const name of waiting) if ((await status(host, name)) === 'ready') waiting.delete(name);
        return waiting.size === 0 ? true : undefined;
      },
      {
        what: `networks on ${host.name}`,
        timeoutMs: 300_000,
        intervalMs,
        state: () => [...waiting].slice(0, 5),
      },
    );
  }
}

async function status(host: Host, name: string): Promise<string | undefined> {
  try {
    const text = await host.readFile(`/run/flannel/networks/${name}.status.json`);
    return (JSON.parse(text) as { readonly state: string }).state;
  } catch {
    return undefined;
  }
}

/** Milliseconds of a processor per second, of each daemon, over so many seconds. */
async function atRest(pids: readonly number[], seconds: number): Promise<readonly number[]> {
  const before = pids.map(processSeconds);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return pids.map((pid, index) => ((processSeconds(pid) - (before[index] ?? 0)) / seconds) * 1000);
}

async function measure(
  options: Options,
  newProcesses: NewProcesses,
): Promise<Record<string, readonly number[]>> {
  const cluster = await Cluster.create({ command: options.command, processes: newProcesses() });
  const scene = new Scene(cluster, options);
  await scene.addHosts();
  const all = await scene.putAll();
  console.log(`  all networks on all hosts after ${all.toFixed(1)} s`);
  const memory = scene.pids.map((pid) => memoryOf(pid).resident);
  const rest = await atRest(scene.pids, options.restSeconds);
  const [joins, leaves]: [number[], number[]] = [[], []];
  for (let done = 0; done < options.repetitions; done++) {
    joins.push(await scene.join());
    leaves.push(await scene.leave());
  }
  const restart = await scene.restart();
  return {
    'all networks on all hosts, s': [all],
    'one more joined everywhere, ms': joins,
    'and left everywhere, ms': leaves,
    'a daemon started anew with all, s': [restart],
    'resident memory of a daemon, MiB': memory,
    'a daemon at rest, CPU ms/s': rest,
  };
}

await runBench({
  help: HELP,
  parse,
  run: async (options, newProcesses) => {
    console.log(machineLine(machine()));
    console.log(`${options.networks} networks on ${options.hosts} hosts`);
    const figures = await measure(options, newProcesses);
    const rows = Object.entries(figures).map(([name, values]) => {
      const { median, max } = summarize(values);
      return [name, median.toFixed(1), max.toFixed(1), String(values.length)];
    });
    console.log(`\n${table([['', 'median', 'worst', 'of'], ...rows])}\n`);
    writeResults(options.out, { networks: options.networks, hosts: options.hosts, figures });
    return true;
  },
});
