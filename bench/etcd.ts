// The etcd bench: how long a call and a watch of the daemon's client are held up when a three-member etcd loses, or
// may not hear from, one of its members. Run by `npm run bench:etcd`. Nothing but loopback and etcd's own elections.

import { systemClock } from '../src/clock.js';
import { Counters } from '../src/counters.js';
import { EtcdClient } from '../src/etcd/client.js';
import { parseEndpoints } from '../src/etcd/endpoints.js';
import type { Logger } from '../src/logger.js';
import { table } from '../src/lab/demo-report.js';
import { startEtcdCluster, type LabEtcdCluster } from '../src/lab/etcd-cluster.js';
import type { LabEtcd } from '../src/lab/etcd.js';
import { until } from '../src/lab/until.js';
import { runBench } from './edge.js';
import { machine, machineLine, summarize } from './machine.js';
import { inCheckout, readOptions, wholeNumber } from './options.js';
import { writeResults } from './results.js';

const HELP = `Usage: npm run bench:etcd -- [options]

  --repetitions N   how many of each (default: 20)
  --etcd PATH       another etcd than the one on the path
  --quick           three of each, for a first look
  --out FILE        where the JSON goes (default: bench/results/etcd.json)
`;

interface Options {
  readonly repetitions: number;
  readonly binary: string;
  readonly out: string;
}

function parse(args: readonly string[]): Options | undefined {
  const values = readOptions(args, ['repetitions', 'etcd']);
  if (values.help) return undefined;
  return {
    repetitions: wholeNumber('repetitions', values.repetitions ?? (values.quick ? 3 : 20), 1000),
    binary: values.etcd ?? 'etcd',
    out: inCheckout('bench/results/etcd.json', values.out),
  };
}

interface Scene {
  readonly cluster: LabEtcdCluster;
  readonly leader: LabEtcd;
  readonly follower: LabEtcd;
}

interface Event {
  /** Which member the client is connected to. */
  readonly uses: 'leader' | 'follower';
  happen(scene: Scene): Promise<void>;
  undo(scene: Scene): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();
const thawed = (member: LabEtcd): Promise<void> => {
  member.thaw();
  return nothing();
};

const EVENTS: Readonly<Record<string, Event>> = {
  'leader killed, in use': {
    uses: 'leader',
    happen: ({ leader }) => leader.kill(),
    undo: ({ leader }) => leader.start(),
  },
  'leader killed, not in use': {
    uses: 'follower',
    happen: ({ leader }) => leader.kill(),
    undo: ({ leader }) => leader.start(),
  },
  'leader stopped with SIGTERM': {
    uses: 'leader',
    happen: ({ leader }) => leader.kill('SIGTERM'),
    undo: ({ leader }) => leader.start(),
  },
  'leader moved': {
    uses: 'leader',
    happen: ({ cluster, follower }) => cluster.moveLeader(follower),
    undo: nothing,
  },
  'leader frozen, in use': {
    uses: 'leader',
    happen: ({ leader }) => leader.freeze(),
    undo: ({ leader }) => thawed(leader),
  },
  'leader frozen, not in use': {
    uses: 'follower',
    happen: ({ leader }) => leader.freeze(),
    undo: ({ leader }) => thawed(leader),
  },
  'follower frozen, in use': {
    uses: 'follower',
    happen: ({ follower }) => follower.freeze(),
    undo: ({ follower }) => thawed(follower),
  },
};

const CALLS = ['read', 'transaction', 'keep-alive', 'watch'] as const;
type Figures = Record<(typeof CALLS)[number], number[]> & { failed: string[] };

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

function clientFor(members: readonly LabEtcd[]): EtcdClient {
  const endpoints = parseEndpoints(members.map(({ endpoint }) => endpoint).join(','));
  const parts = { clock: systemClock, random: Math.random, logger: silent, counters: new Counters() };
  return new EtcdClient({ endpoints }, parts);
}

async function repetition(cluster: LabEtcdCluster, event: Event, figures: Figures): Promise<void> {
  const leader = await cluster.leader();
  const [follower, other] = await cluster.followers();
  if (follower === undefined || other === undefined) throw new Error('three members');
  const scene = { cluster, leader, follower };
  const client = clientFor(event.uses === 'leader' ? [leader, follower, other] : [follower, leader, other]);
  try {
    const { id } = await client.leases.grant(60);
    const seen = await watched(client);
    const begun = performance.now();
    const held = async (name: keyof typeof figures, call: Promise<unknown>): Promise<void> => {
      try {
        await call;
        figures[name as (typeof CALLS)[number]].push(performance.now() - begun);
      } catch (error) {
        figures.failed.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    // Together with the event, so that some are under way when it happens.
    const happened = event.happen(scene);
    await Promise.all([
      held('read', client.kv.range({ key: '/bench/a' })),
      held('transaction', write(client)),
      held('keep-alive', client.leases.keepAlive(id)),
      held('watch', seen(client)),
    ]);
    await happened;
    await event.undo(scene);
  } finally {
    client.close();
  }
}

/** A watch that stands; what it gives resolves when the watch has seen a write made from then on. */
async function watched(client: EtcdClient): Promise<(writer: EtcdClient) => Promise<void>> {
  let [stands, revision] = [false, 0n];
  client.watch(
    { prefix: '/bench/', startRevision: 0n },
    {
      events: (_events, upTo) => (revision = upTo),
      compacted: () => undefined,
      disconnected: () => undefined,
      connected: () => (stands = true),
    },
  );
  await until(() => stands, { what: 'the watch' });
  return async (writer) => {
    const written = await write(writer);
    await until(() => revision >= written, { what: 'the event', timeoutMs: 20_000, intervalMs: 1 });
  };
}

async function write(client: EtcdClient): Promise<bigint> {
  const answer = await client.kv.transaction('bench', {
    compare: [{ key: '/bench/none', target: 'version', value: 0n }],
    success: [{ type: 'put', key: '/bench/a', value: 'b' }],
  });
  return answer.revision;
}

function text(figures: Readonly<Record<string, Figures>>): string {
  const cells = (values: readonly number[]): string[] => {
    if (values.length === 0) return ['none', ''];
    const { median, max } = summarize(values);
    return [median.toFixed(0), max.toFixed(0)];
  };
  return table([
    ['held up, ms', ...CALLS.flatMap((call) => [call, 'worst']), 'failed'],
    ...Object.entries(figures).map(([name, one]) => [
      name,
      ...CALLS.flatMap((call) => cells(one[call])),
      String(one.failed.length),
    ]),
  ]);
}

await runBench({
  help: HELP,
  parse,
  run: async ({ repetitions, binary, out }) => {
    console.log(machineLine(machine()));
    const figures: Record<string, Figures> = {};
    const cluster = await startEtcdCluster({ binary });
    try {
      for (const [name, event] of Object.entries(EVENTS)) {
        const one: Figures = { read: [], transaction: [], 'keep-alive': [], watch: [], failed: [] };
        figures[name] = one;
        for (let count = 0; count < repetitions; count++) await repetition(cluster, event, one);
        console.log(`  ${name}: done`);
      }
    } finally {
      await cluster.stop();
    }
    const failed = Object.values(figures).flatMap((one) => one.failed);
    console.log(`\n${text(figures)}\n${failed.map((line) => `\nfailed: ${line}`).join('')}`);
    writeResults(out, { repetitions, heldUpMs: figures });
    return failed.length === 0;
  },
});
