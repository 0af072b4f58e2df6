// The long form of the fuzz targets of test/fuzz, a process each so that one that crashes or hangs is known by its name
// and seed: npm run fuzz -- --parsers [--minutes N] [--seed S] [--target NAME [--path P]]

import { spawn, spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const RUN = join(ROOT, 'dist/test/fuzz/run.js');
/** A batch takes seconds. */
const HANG_MS = 180_000;

function say(text) {
  process.stdout.write(`${text}\n`);
}

function names() {
  const { status, stdout } = spawnSync(process.execPath, [RUN, '--list'], { encoding: 'utf8' });
  if (status !== 0) throw new Error('dist/test/fuzz is missing; run `npm run build` first');
  return stdout.trim().split('\n');
}

/** Runs one target; resolves to its figures, its report, and the seed of the batch it was in. */
function runTarget(name, seconds, seed, path) {
  const args = [RUN, '--target', name, `--seconds=${seconds}`, `--seed=${seed}`];
  const child = spawn(process.execPath, path === undefined ? args : [...args, `--path=${path}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [batch, figures, hung] = [seed, '', false];
  const report = [];
  const kill = () => {
    hung = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(kill, HANG_MS);
  createInterface({ input: child.stdout }).on('line', (line) => {
    clearTimeout(timer);
    timer = setTimeout(kill, HANG_MS);
    if (line.startsWith('batch ')) batch = line.slice('batch '.length);
    else if (line.startsWith('figures ')) figures = line.slice('figures '.length);
    else report.push(line);
  });
  createInterface({ input: child.stderr }).on('line', (line) => report.push(line));
  return new Promise((done) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (hung) report.push(`nothing for ${HANG_MS / 1000} s: it hangs`);
      done({ fine: code === 0, figures: figures || `ended by ${signal ?? code}`, report, batch });
    });
  });
}

/** Runs the targets one after the other; false when one of them failed. */
export async function fuzzParsers(options) {
  const seed = Number(options.seed ?? Date.now() % 1e9);
  const all = names();
  const targets = options.target === undefined ? all : all.filter((name) => name === options.target);
  if (targets.length === 0) throw new Error(`no such target; there are ${all.join(', ')}`);
  const given = options.seconds ?? (Number(options.minutes ?? 5) * 60) / targets.length;
  const seconds = Math.max(1, Number(given));
  say(`parsers, seed ${seed}, ${seconds.toFixed(0)} s each`);
  let fine = true;
  for (const name of targets) {
    const outcome = await runTarget(name, seconds, seed, options.path);
    say(`${name}: ${outcome.figures}${outcome.fine ? '' : ', FAILED'}`);
    if (outcome.fine) continue;
    fine = false;
    const text = outcome.report.join('\n');
    const path = /, path ([\d:]+)/.exec(text)?.[1];
    say(text);
    say(
      `repeat: npm run fuzz -- --parsers --target '${name}' --seed ${outcome.batch}${path === undefined ? '' : ` --path ${path}`}`,
    );
  }
  return fine;
}
