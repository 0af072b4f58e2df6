// The demo: a flannel network on hosts made of namespaces, shown working. Run by `npm run demo`.
// Process edge (arguments, signals, exit code); everything it shows is measured, and it leaves nothing behind.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Cluster, type Member } from './cluster.js';
import {
  DEMO_BACKENDS,
  DEMO_HELP,
  DemoUsageError,
  parseDemoOptions,
  type DemoOptions,
} from './demo-options.js';
import { bitrate, countPairs, hostTable, pingTable } from './demo-report.js';
import { showNetworks } from './demo-networks.js';
import { LabError, errorText } from './errors.js';
import { Interrupted, interruption } from './interruption.js';
import { ping } from './ping.js';
import { Processes, type Argv } from './processes.js';
import { tcpThroughput } from './throughput.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const NETWORK = '10.5.0.0/16';
const IPERF_SECONDS = 3;
const LOOK_NEXT_NETWORKS =
  'Where to look next: docs/networks.md; docs/cni.md; npm run bench:networks; npm run demo -- --help';

function say(text: string): void {
  process.stdout.write(text + '\n');
}

function daemonCommand(options: DemoOptions): Argv {
  if (options.flanneld !== undefined) {
    const path = resolve(options.flanneld);
    if (!existsSync(path)) throw new LabError('MISSING_NEED', `--flanneld ${path}: there is no such file`);
    return [path];
  }
  return [process.execPath, resolve(ROOT, 'bin/flanneld')];
}

async function pingMatrix(members: readonly Member[]): Promise<(number | undefined)[][]> {
  const matrix: (number | undefined)[][] = [];
  for (const from of members) {
    const row: (number | undefined)[] = [];
    for (const to of members) {
      // The first ping of a pair also resolves neighbours; the second is what traffic sees.
      const report =
        from === to ? undefined : await ping(from.pod, to.pod.address, { count: 2, intervalSeconds: 0.01 });
      row.push(report?.received === 2 ? report.rtts.at(-1) : undefined);
    }
    matrix.push(row);
  }
  return matrix;
}

async function hostRows(cluster: Cluster): Promise<string> {
  const leases = await cluster.leases();
  const rows = cluster.members.map(async ({ host }) => {
    const { mtu } = await host.subnetEnv();
    const lease = leases.find(({ publicIp }) => publicIp === host.address);
    const [subnet, backend] = [lease?.subnet ?? '(no lease)', lease?.backendType ?? '?'];
    return { host: host.name, publicIp: host.address, subnet, mtu, backend };
  });
  return hostTable(await Promise.all(rows));
}

function howToEnter(cluster: Cluster): string {
  const shell: Argv = ['bash', '--norc'];
  const lines = cluster.members.flatMap(({ host, pod }) => [
    `  ${host.name}: ${host.enter(shell).join(' ')}`,
    `  ${pod.name} (${pod.address}): ${pod.enter(shell).join(' ')}`,
  ]);
  const etcdctl: Argv = [
    'etcdctl',
    `--endpoints=${cluster.endpoint}`,
    'get',
    '--prefix',
    '/coreos.com/network',
  ];
  const etcd = `env ETCDCTL_API=3 ${cluster.lab.wire.enter(etcdctl).join(' ')}`;
  return [`To enter (as root, from another terminal):`, ...lines, `  what etcd holds: ${etcd}`].join('\n');
}

async function show(cluster: Cluster): Promise<boolean> {
  const members = cluster.members;
  const matrix = await pingMatrix(members);
  const { reached, total } = countPairs(matrix);
  const [first, last] = [members[0], members.at(-1)];
  if (first === undefined || last === undefined)
    throw new LabError('BAD_OUTPUT', 'the cluster has no members');
  say(`measuring TCP from ${first.pod.name} to ${last.pod.name} for ${IPERF_SECONDS} s`);
  const to = { namespace: last.pod, address: last.pod.address };
  const rate = bitrate(await tcpThroughput(first.pod, to, IPERF_SECONDS));
  const names = members.map(({ pod }) => pod.name);
  say(`\n${await hostRows(cluster)}\n`);
  say(`Round trips from pod to pod (${reached} of ${total} pairs reached):\n${pingTable(names, matrix)}\n`);
  say(`TCP from ${first.pod.name} to ${last.pod.name}: ${rate}\n`);
  return reached === total;
}

/** Builds it, shows it, and with `keep` holds it until `interrupted`. Returns the exit code. */
async function run(
  options: DemoOptions,
  newProcesses: () => Processes,
  interrupted: Promise<never>,
): Promise<number> {
  const started = performance.now();
  const progress = (step: string): void => {
    say(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${step}`);
  };
  if (options.networks > 1) {
    const { nodes } = options;
    const whole = await showNetworks({ command: daemonCommand(options), nodes, newProcesses, say, progress });
    say(`\n${LOOK_NEXT_NETWORKS}`);
    return whole ? 0 : 1;
  }
  const config = { Network: NETWORK, Backend: DEMO_BACKENDS[options.backend] };
  const processes = newProcesses();
  const cluster = await Cluster.create({ command: daemonCommand(options), config, processes, progress });
  await cluster.addMembers(options.nodes);
  await cluster.connected();
  progress('every pod reaches every other');
  const whole = await show(cluster);
  if (!whole) {
    for (const { host, flanneld } of cluster.members)
      say(`last log lines of ${host.name}:\n${flanneld.log(10)}`);
    return 1;
  }
  if (options.keep) {
    say(`${howToEnter(cluster)}\n\nIt stays up until you press Ctrl-C.`);
    await interrupted;
  }
  say(
    'Where to look next: README.md; npm run demo -- --keep (enter the hosts); npm test; npm run bench:control',
  );
  return 0;
}

async function main(args: readonly string[]): Promise<number> {
  let options: DemoOptions;
  try {
    options = parseDemoOptions(args);
  } catch (error) {
    if (!(error instanceof DemoUsageError)) throw error;
    process.stderr.write(`demo: ${error.message}\n`);
    return 2;
  }
  if (options.help) {
    say(DEMO_HELP.trimEnd());
    return 0;
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write('demo: network namespaces need root; run it as root (for example with sudo)\n');
    return 1;
  }
  const opened: Processes[] = [];
  const newProcesses = (): Processes => {
    const processes = new Processes();
    opened.push(processes);
    return processes;
  };
  const interrupted = interruption();
  try {
    return await Promise.race([run(options, newProcesses, interrupted), interrupted]);
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      process.stderr.write(`demo: ${errorText(error)}\n`);
      return 1;
    }
    if (options.keep && error.signal === 'SIGINT') return 0;
    return error.exitCode;
  } finally {
    await Promise.all(opened.map((processes) => processes.close()));
  }
}

// Explicitly, because waits that lost the race against an interruption would hold the process for their rest.
process.exit(await main(process.argv.slice(2)));
