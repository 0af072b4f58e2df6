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

/** One MTU's share of the run: every round, every measure, every scene in turn. */
class Session {
  readonly #options: DataplaneOptions;
  readonly #figures: Figures;
  readonly #mtu: number;
  readonly #ended: AbortSignal;

  constructor(options: DataplaneOptions, figures: Figures, mtu: number, ended: AbortSignal) {
    this.#options = options;
    this.#figures = figures;
    this.#mtu = mtu;
    this.#ended = ended;
  }

  async measure(scenes: readonly Scene[], names: readonly MeasureName[]): Promise<void> {
    const { rounds } = this.#options;
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        if (name === 'rest') continue;
        for (const scene of inTurn(scenes, round)) await this.#note(`${round + 1}/${rounds}`, name, scene);
      }
    }
    // At the end, because a daemon that has carried traffic is the one whose rest is of interest.
    if (names.includes('rest')) await this.#noteRest(scenes);
  }

  /** Takes one measure of one scene; a failure is told, noted as a gap, and the run goes on. */
  async #note(round: string, name: Exclude<MeasureName, 'rest'>, scene: Scene): Promise<void> {
    const { metrics } = measureOf(name);
    const said = `  ${round} MTU ${this.#mtu} ${name} ${scene.name}:`;
    let taken: Readonly<Record<string, number>> = {};
    try {
      taken = await take(name, scene, this.#options.effort);
      const shown = metrics.map(({ id, unit, digits }) => `${taken[id]?.toFixed(digits) ?? '?'} ${unit}`);
      console.log(said, shown.join(', '));
    } catch (error) {
      this.#ended.throwIfAborted();
      console.log(said, `failed: ${errorText(error)}`);
    }
    this.#ended.throwIfAborted();
    for (const { id } of metrics)
      this.#figures.add({ mtu: this.#mtu, subject: scene.name, metric: id }, taken[id] ?? null);
  }

  async #noteRest(scenes: readonly Scene[]): Promise<void> {
    const seconds = this.#options.effort.restSeconds;
    console.log(`  at rest for ${seconds} s`);
    const { daemons, machine: whole } = await atRest(scenes, seconds);
    for (const [subject, used] of daemons)
      this.#figures.add({ mtu: this.#mtu, subject, metric: 'rest' }, used);
    console.log(`  at rest the whole machine, every scene standing, used ${whole.toFixed(1)} CPU ms/s`);
  }
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
      `Both hosts on this one machine. Median of ${rounds === 1 ? 'one round' : `${rounds} alternating rounds`}; thin lines: range. Compare within a panel only.`,
    ],
    panels: panels(run),
  });
}

async function bench(
  options: DataplaneOptions,
  newProcesses: NewProcesses,
  ended: AbortSignal,
): Promise<boolean> {
  const used = tools();
  console.log(machineLine(machine(), ...Object.entries(used).map(([name, version]) => `${name} ${version}`)));
  const subjects = wanted(options);
  const { measures, mtus } = options;
  const run: Run = { figures: new Figures(), subjects: subjects.map(({ name }) => name), measures, mtus };
  for (const mtu of mtus) {
    const names = measuresAt(run, mtu);
    if (names.length === 0) continue;
    console.log(`setting up ${run.subjects.join(', ')} on a wire with MTU ${mtu}`);
    const processes = newProcesses();
    const scenes = await setScenes(processes, subjects, mtu);
    await new Session(options, run.figures, mtu, ended).measure(scenes, names);
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
