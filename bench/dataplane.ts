// The dataplane bench: what pods get from plain routes, from each backend, from upstream's udp and from wireguard-go,
// alternating in one run on one machine. Run by `npm run bench`; needs root.

import { errorText } from '../src/lab/errors.js';
import { atRest, take } from './dataplane-measures.js';
import { Figures, measureOf, type MeasureName } from './dataplane-metrics.js';
import { DATAPLANE_HELP, parseDataplaneOptions, type DataplaneOptions } from './dataplane-options.js';
import { measuresAt, panels, reportText, type Run } from './dataplane-report.js';
import { runBench, type NewProcesses } from './edge.js';
import { machine, machineLine } from './machine.js';
import { writeResults, writeText } from './results.js';
import { inTurn } from './rounds.js';
import { setScenes, type Scene } from './scenes.js';
import { findSubjects, tools, type Subject } from './subjects.js';
import { barChart } from './svg.js';

/** Takes one measure of one scene and notes it; a failure is told, noted as a gap, and the run goes on. */
async function note(
  figures: Figures,
  {
    mtu,
    round,
    scene,
    effort,
  }: { mtu: number; round: string; scene: Scene; effort: DataplaneOptions['effort'] },
  name: Exclude<MeasureName, 'rest'>,
): Promise<void> {
  const { metrics } = measureOf(name);
  const place = (metric: string) => ({ mtu, subject: scene.name, metric }) as const;
  const said = `  ${round} MTU ${mtu} ${name} ${scene.name}:`;
  try {
    const taken = await take(name, scene, effort);
    for (const { id } of metrics) figures.add(place(id), taken[id] ?? null);
    const shown = metrics.map(({ id, unit, digits }) => `${taken[id]?.toFixed(digits) ?? '?'} ${unit}`);
    console.log(said, shown.join(', '));
  } catch (error) {
    for (const { id } of metrics) figures.add(place(id), null);
    console.log(said, `failed: ${errorText(error)}`);
  }
}

async function noteRest(
  figures: Figures,
  scenes: readonly Scene[],
  mtu: number,
  seconds: number,
): Promise<void> {
  console.log(`  at rest for ${seconds} s`);
  const { daemons, machine: whole } = await atRest(scenes, seconds);
  for (const [subject, used] of daemons) figures.add({ mtu, subject, metric: 'rest' }, used);
  console.log(`  at rest the whole machine, every scene standing, used ${whole.toFixed(1)} CPU ms/s`);
}

async function measureAt(
  options: DataplaneOptions,
  run: Run,
  mtu: number,
  scenes: readonly Scene[],
): Promise<void> {
  const names = measuresAt(run, mtu);
  for (let index = 0; index < options.rounds; index++) {
    const round = `${index + 1}/${options.rounds}`;
    for (const name of names) {
      if (name === 'rest') continue;
      for (const scene of inTurn(scenes, index))
        await note(run.figures, { mtu, round, scene, effort: options.effort }, name);
    }
  }
  // At the end, because a daemon that has carried traffic is the one whose rest is of interest.
  if (names.includes('rest')) await noteRest(run.figures, scenes, mtu, options.effort.restSeconds);
}

function wanted(options: DataplaneOptions): readonly Subject[] {
  const { there, missing } = findSubjects(options.subjects, options.ours);
  const [first] = missing;
  if (first !== undefined && options.named) throw new Error(`${first.name}: ${first.why}`);
  for (const { name, why } of missing) console.log(`left out: ${name}: ${why}`);
  return there;
}

function picture(run: Run, rounds: number, date: string): string {
  return barChart({
    title: `Traffic between two pods on two hosts, ${date}`,
    notes: [
      machineLine(machine()),
      `Both hosts on this one machine. Median of ${rounds} alternating rounds; thin lines: range. Compare within a panel only.`,
    ],
    panels: panels(run),
  });
}

async function bench(options: DataplaneOptions, newProcesses: NewProcesses): Promise<boolean> {
  const used = tools();
  console.log(machineLine(machine(), ...Object.entries(used).map(([name, version]) => `${name} ${version}`)));
  const subjects = wanted(options);
  const { measures, mtus } = options;
  const run: Run = { figures: new Figures(), subjects: subjects.map(({ name }) => name), measures, mtus };
  for (const mtu of mtus.filter((one) => measuresAt(run, one).length > 0)) {
    console.log(`setting up ${run.subjects.join(', ')} on a wire with MTU ${mtu}`);
    const processes = newProcesses();
    await measureAt(options, run, mtu, await setScenes(processes, subjects, mtu));
    await processes.close();
  }
  console.log(`\n${reportText(run)}\n`);
  const { rounds, effort } = options;
  writeResults(options.out, { rounds, effort, figures: run.figures }, used);
  writeText(options.svg, picture(run, rounds, new Date().toISOString().slice(0, 10)));
  if (run.figures.incomplete) console.log('some measurements failed; see above');
  return !run.figures.incomplete;
}

await runBench({ help: DATAPLANE_HELP, parse: parseDataplaneOptions, run: bench });
