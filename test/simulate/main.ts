// `npm run simulate`: the process edge of the simulation. What a history is, and what must hold in it, is history.ts.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { runSeeds } from './crew.js';
import { histories, live, parseHistory, type Outcome } from './history.js';
import { HELP, parseOptions, SimulateUsageError, type Options } from './options.js';
import { failureText, Tally } from './report.js';

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

async function main(options: Options): Promise<number> {
  if (options.help) {
    say(HELP);
    return 0;
  }
  if (options.replay !== undefined) {
    const [world, steps] = parseHistory(readFileSync(options.replay, 'utf8'));
    return show(await live(world, steps));
  }
  if (options.trace) return show(await liveSeed(options.first));
  return runAll(options);
}

async function runAll({ first, last, jobs, shrinkMs }: Options): Promise<number> {
  const end = new AbortController();
  process.once('SIGINT', () => {
    end.abort();
  });
  const began = performance.now();
  const tally = new Tally();
  const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  await runSeeds(seeds, { jobs: Math.min(jobs, seeds.length), shrinkMs, signal: end.signal }, (result) => {
    tally.add(result);
    if (result.failure !== undefined) say(failureText(result.seed, result.failure));
  });
  say(tally.text((performance.now() - began) / 1000));
  return tally.failures > 0 ? 1 : 0;
}

async function liveSeed(seed: number): Promise<Outcome> {
  const [history] = fc.sample(fc.noBias(histories), { seed, numRuns: 1 });
  if (history === undefined) throw new RangeError('fast-check drew no history');
  return live(...history);
}

function show({ trace, error }: Outcome): number {
  say(trace);
  if (error === undefined) return 0;
  say(`\n${error.stack ?? error.message}`);
  return 1;
}

try {
  process.exitCode = await main(parseOptions(process.argv.slice(2), availableParallelism()));
} catch (error) {
  if (!(error instanceof SimulateUsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
