// The long form of the fuzz targets, started by scripts/fuzz.mjs: one target for some time, in batches whose seeds
// follow from the first one. Says before each batch what it is, so that one that never ends is known by its seed.
//   node dist/test/fuzz/run.js --target NAME --seconds N --seed S [--path P] | --list

import { parseArgs } from 'node:util';
import { TARGETS } from './targets.js';
import type { Target } from './target.js';

/** A part of what `npm test` runs: so small that the time box holds. */
const BATCHES_A_RUN = 8;

interface Figures {
  cases: number;
  batches: number;
  longestMs: number;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs until the time is up or something fails; returns the report of the failure. */
async function runFor(
  target: Target,
  seconds: number,
  seed: number,
  path: string | undefined,
  figures: Figures,
): Promise<string | undefined> {
  const end = performance.now() + seconds * 1_000;
  do {
    const batchSeed = (seed + figures.batches) | 0;
    say(`batch ${batchSeed}`);
    const runs = Math.ceil(target.runs / BATCHES_A_RUN);
    const outcome = await target.run({ seed: batchSeed, runs, path });
    figures.batches++;
    figures.cases += outcome.cases;
    figures.longestMs = Math.max(figures.longestMs, outcome.longestMs);
    if (outcome.failure !== undefined) return outcome.failure;
  } while (performance.now() < end && path === undefined);
  return undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      path: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.list) {
    for (const { name } of TARGETS) say(name);
    return 0;
  }
  const target = TARGETS.find(({ name }) => name === values.target);
  if (target === undefined) throw new Error(`no such target; --list names them`);
  const figures: Figures = { cases: 0, batches: 0, longestMs: 0 };
  const begun = performance.now();
  const failure = await runFor(target, Number(values.seconds), Number(values.seed), values.path, figures);
  const rate = figures.cases / ((performance.now() - begun) / 1_000);
  say(
    `figures ${figures.cases} cases, ${Math.round(rate)} a second, longest ${figures.longestMs.toFixed(1)} ms`,
  );
  if (failure === undefined) return 0;
  say(failure);
  return 1;
}

process.exitCode = await main();
