// The life bench: how long traffic stands still when the daemon is killed and started anew, or what it made is deleted
// by hand, over many repetitions. Run by `npm run bench:life`; needs root. Tests assert five times what it shows.

import { Cluster, type Member } from '../src/lab/cluster.js';
import { table } from '../src/lab/demo-report.js';
import { Flanneld } from '../src/lab/flanneld.js';
import { Pinger } from '../src/lab/ping.js';
import type { Argv, Processes } from '../src/lab/processes.js';
import { runBench } from './edge.js';
import { machine, machineLine, summarize } from './machine.js';
import { chosen, inCheckout, oursCommand, readOptions, wholeNumber } from './options.js';
import { writeResults } from './results.js';

/** Each backend, with its device and the route over it to the peer. */
const BACKENDS = {
  vxlan: { config: { Type: 'vxlan' }, device: 'flannel.1' },
  udp: { config: { Type: 'udp' }, device: 'flannel0' },
} as const;
type Backend = keyof typeof BACKENDS;

const HELP = `Usage: npm run bench:life -- [options]

  --repetitions N   how many of each (default: 20)
  --backends NAMES  ${Object.keys(BACKENDS).join(',')} (default: all)
  --quick           three of each, for a first look
  --ours PATH       another program in place of this project's flanneld
  --out FILE        where the JSON goes (default: bench/results/life.json)
`;

/** Traffic while nothing happens answers every 4 ms: a gap beyond that is what is looked for. */
const INTERVAL_MS = 4;

interface Options {
  readonly repetitions: number;
  readonly backends: readonly Backend[];
  readonly ours: Argv;
  readonly out: string;
}

function parse(args: readonly string[]): Options | undefined {
  const values = readOptions(args, ['repetitions', 'backends']);
  if (values.help) return undefined;
  return {
    repetitions: wholeNumber('repetitions', values.repetitions ?? (values.quick ? 3 : 20), 1000),
    backends: chosen('backends', values.backends, Object.keys(BACKENDS) as Backend[]),
    ours: oursCommand(values.ours),
    out: inCheckout('bench/results/life.json', values.out),
  };
}

interface Scene {
  readonly cluster: Cluster;
  readonly one: Member;
  readonly two: Member;
  readonly device: string;
}

/** What happens to the first host, by name. */
const EVENTS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'kill -9 and restart': async ({ cluster, one }) => {
    await one.flanneld.stop('SIGKILL');
    one.flanneld = await Flanneld.up(one.host, cluster.daemonOptions());
  },
  'SIGTERM and restart': async ({ cluster, one }) => {
    await one.flanneld.stop();
    one.flanneld = await Flanneld.up(one.host, cluster.daemonOptions());
  },
  'routes deleted': async ({ one, device }) => {
    await one.host.must('ip', ['route', 'flush', 'dev', device]);
  },
  'link set down': async ({ one, device }) => {
    await one.host.must('ip', ['link', 'set', device, 'down']);
  },
  'device deleted': async ({ one, device }) => {
    await one.host.must('ip', ['link', 'delete', device]);
  },
};

/** The longest time without an answer around the event, in milliseconds. */
async function gap(scene: Scene, happens: (scene: Scene) => Promise<void>): Promise<number> {
  const pinger = await Pinger.start(scene.two.pod, scene.one.pod.address, { intervalMs: INTERVAL_MS });
  await pinger.more(10);
  await happens(scene);
  await pinger.more(20);
  return (await pinger.stop()).longestGapMs;
}

/** Milliseconds by event, and those by backend. */
type Gaps = Record<string, number[]>;
type Results = Partial<Record<Backend, Gaps>>;

async function measureBackend(name: Backend, options: Options, processes: Processes): Promise<Gaps> {
  const { config, device } = BACKENDS[name];
  const network = { Network: '10.5.0.0/16', Backend: config };
  const cluster = await Cluster.create({ command: options.ours, config: network, processes });
  await cluster.addMembers(2);
  await cluster.connected();
  const [one, two] = cluster.members;
  if (one === undefined || two === undefined) throw new Error('two members');
  const gaps = new Map<string, number[]>();
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    for (const [event, happens] of Object.entries(EVENTS))
      gaps.set(event, [...(gaps.get(event) ?? []), await gap({ cluster, one, two, device }, happens)]);
    console.log(`  ${name} ${repetition + 1}/${options.repetitions}`);
  }
  await cluster.close();
  return Object.fromEntries(gaps);
}

function text(results: Results): string {
  const rows = Object.entries(results).flatMap(([backend, gaps]) =>
    Object.entries(gaps).map(([event, values]) => {
      const { median, max } = summarize(values);
      return [`${backend}: ${event}`, median.toFixed(0), max.toFixed(0)];
    }),
  );
  return table([['longest gap in traffic, ms', 'median', 'worst'], ...rows]);
}

await runBench({
  help: HELP,
  parse,
  run: async (options, processes) => {
    console.log(machineLine(machine()));
    const results: Results = {};
    for (const name of options.backends) results[name] = await measureBackend(name, options, processes());
    console.log(`\n${text(results)}\n`);
    writeResults(options.out, { intervalMs: INTERVAL_MS, gapsMs: results });
    return true;
  },
});
