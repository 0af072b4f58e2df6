// How long our part of an ADD and of a DEL of the CNI plugin takes: the whole call with a delegate that does nothing, less that
// delegate alone. Usage: node dist/bench/cni.js [repetitions]; needs root. Prints a table; each form of the plugin is measured
// where it is built (npm run build:cni-sea makes the second).

import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcherOf } from '../src/commands/cni-launcher.js';
import { hold, Namespace } from '../src/lab/namespace.js';
import { Processes } from '../src/lab/processes.js';
import { CniRuntime, type PluginConf } from '../src/lab/cni-runtime.js';
import { packageRoot } from '../test/helpers/package-root.js';

const GOAL_MS = 60;
const ENV =
  'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.7.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n';
const CONF: PluginConf = {
  type: 'flannel',
  name: 'cbr0',
  cniVersion: '1.0.0',
  delegate: { type: 'nothing' },
};

type Row = readonly [name: string, samples: readonly number[]];

async function main(repetitions: number): Promise<void> {
  const processes = new Processes();
  const folder = await mkdtemp(join(tmpdir(), 'flanneld-bench-'));
  try {
    const host = new Namespace(await hold(processes, 'cni-bench', true));
    const pod = new Namespace(await hold(processes, 'cni-bench-pod', false));
    await host.writeFile('/run/flannel/subnet.env', ENV);
    const forms = await installForms(folder);
    const rows: Row[] = [];
    for (const bin of forms) rows.push(...(await measure(host, pod, join(folder, bin), bin, repetitions)));
    print(rows, repetitions);
  } finally {
    await processes.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A folder a form, each with the plugin and a delegate: `cat`, which answers with its config, and no answer is shorter. */
async function installForms(folder: string): Promise<readonly string[]> {
  const built = join(packageRoot(), 'dist/cni');
  const forms = ['bundle', ...(existsSync(join(built, 'flannel')) ? ['standalone'] : [])];
  for (const form of forms) {
    const bin = join(folder, form);
    await mkdir(bin);
    await symlink('/bin/cat', join(bin, 'nothing'));
    if (form === 'standalone') {
      await symlink(join(built, 'flannel'), join(bin, 'flannel'));
      continue;
    }
    await writeFile(
      join(bin, 'flannel'),
      launcherOf(process.execPath, await readFile(join(built, 'flannel.cjs'), 'utf8')),
    );
    await chmod(join(bin, 'flannel'), 0o755);
  }
  return forms;
}

async function measure(
  host: Namespace,
  pod: Namespace,
  bin: string,
  form: string,
  repetitions: number,
): Promise<Row[]> {
  const runtime = new CniRuntime({ path: [bin], enter: (argv) => host.enter(argv) });
  const [add, del, alone]: [number[], number[], number[]] = [[], [], []];
  const nothing = { ...CONF, type: 'nothing' };
  for (let round = 0; round < repetitions; round++) {
    const attachment = { containerId: `bench${round}`, ifname: 'eth0', netns: `/proc/${pod.pid}/ns/net` };
    // Taking turns, so that what else the machine does meets all of them alike.
    alone.push(await milliseconds(() => runtime.must('ADD', nothing, attachment)));
    add.push(await milliseconds(() => runtime.must('ADD', CONF, attachment)));
    del.push(await milliseconds(() => runtime.must('DEL', CONF, attachment)));
  }
  const less = (samples: readonly number[]): readonly number[] =>
    samples.map((sample) => sample - median(alone));
  return [
    [`${form}: our part of ADD`, less(add)],
    [`${form}: our part of DEL`, less(del)],
    [`${form}: the delegate alone`, alone],
  ];
}

async function milliseconds(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function print(rows: readonly Row[], repetitions: number): void {
  console.log(`${repetitions} repetitions, milliseconds; goal for ADD: a median of at most ${GOAL_MS}`);
  for (const [name, samples] of rows) {
    const sorted = samples.toSorted((a, b) => a - b);
    const [least, most] = [sorted[0] ?? NaN, sorted.at(-1) ?? NaN];
    const met = name.endsWith('ADD') ? (median(samples) <= GOAL_MS ? '  goal met' : '  goal missed') : '';
    const figures = `median ${median(samples).toFixed(1)}  least ${least.toFixed(1)}  most ${most.toFixed(1)}`;
    console.log(`${name.padEnd(32)} ${figures}${met}`);
  }
}

await main(Number(process.argv[2] ?? 40));
