// Runs the fuzz targets of native/fuzz, with --engine the harness of the whole packet engine, or with --parsers the
// targets of test/fuzz, for as long as wanted:
//   npm run fuzz -- [--seconds N] [--seed S] [--target name] [--driver]
//   npm run fuzz -- --engine [--seconds N] [--seed S]
//   npm run fuzz -- --parsers [--minutes N] [--seed S] [--target name [--path P]]
// With clang there, targets run under libFuzzer (`node scripts/setup.mjs --fuzz` installs it); else, or with --driver,
// under native/fuzz/driver.c and gcc. What crashes a target is kept in fuzz-crashes/.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzzParsers } from './fuzz-parsers.mjs';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const NATIVE = join(ROOT, 'native');
const CRASHES = join(ROOT, 'fuzz-crashes');
const FLAGS = '-std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-sanitize-recover=all -pthread'.split(' ');
const NO_TARGETS = ['driver', 'libfuzzer'];

function cFiles(folder, pattern = /\.c$/) {
  return readdirSync(join(NATIVE, folder))
    .filter((name) => pattern.test(name))
    .map((name) => join(NATIVE, folder, name));
}

const SHARED = [
  ...cFiles('src/packet'),
  ...cFiles('src/dataplane', /^(generation|peer|icmp_limiter|udp_socket)\.c$/),
  ...cFiles('src/icmp', /^echo_packet\.c$/),
  ...cFiles('test', /^(packets|kernel_model|merge_oracle)\.c$/),
];
const ENGINE = [
  ...cFiles('src/packet'),
  ...cFiles('src/dataplane'),
  ...cFiles('test', /^(packets|kernel_model|engine_rig.*|engine_wild|engine_harness.*)\.c$/),
];

function say(text) {
  process.stdout.write(`${text}\n`);
}

function compile(compiler, flags, sources, output) {
  const result = spawnSync(compiler, [...FLAGS, ...flags, '-o', output, ...sources], { stdio: 'inherit' });
  if (result.status !== 0) throw new Error(`${compiler} failed`);
}

/** Compiles what all targets are linked with, once. Returns the objects. */
function compileShared(folder, compiler, flags) {
  const result = spawnSync(compiler, [...FLAGS, ...flags, '-c', ...SHARED], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (result.status !== 0) throw new Error(`${compiler} failed`);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.o'))
    .map((name) => join(folder, name));
}

/** libFuzzer is a library of clang's that Debian packs apart. */
function hasLibFuzzer(folder) {
  const source = 'int LLVMFuzzerTestOneInput(const char *d, long s) { (void)d; (void)s; return 0; }';
  const args = ['-x', 'c', '-', '-fsanitize=fuzzer,address', '-o', join(folder, 'probe')];
  return spawnSync('clang', args, { input: source }).status === 0;
}

function runDriver(folder, objects, target, seconds, seed) {
  const program = join(folder, target);
  const sources = [join(NATIVE, 'fuzz', `${target}.c`), join(NATIVE, 'fuzz/driver.c'), ...objects];
  compile('cc', ['-fsanitize=address,undefined'], sources, program);
  return spawnSync(program, [String(seconds), String(seed), CRASHES], {
    encoding: 'utf8',
    env: { ...process.env, ASAN_OPTIONS: 'abort_on_error=1' },
  });
}

function runLibFuzzer(folder, objects, target, seconds, seed) {
  const program = join(folder, target);
  const sources = [join(NATIVE, 'fuzz', `${target}.c`), join(NATIVE, 'fuzz/libfuzzer.c'), ...objects];
  compile('clang', ['-fsanitize=fuzzer,address,undefined'], sources, program);
  // libFuzzer takes 32 bits, and 0 for "choose one".
  const args = [`-max_total_time=${seconds}`, `-seed=${(seed % 0xffffffff) + 1}`, '-max_len=16384'];
  const artifacts = `-artifact_prefix=${join(CRASHES, `${target}-`)}`;
  return spawnSync(program, [...args, artifacts, '-print_final_stats=1', '-verbosity=0'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
}

function report(target, result, repeat) {
  const said = `${result.stdout}${result.stderr}`;
  const runs = /(\d+) inputs|number_of_executed_units: (\d+)/.exec(said);
  if (result.status === 0) {
    say(`${target}: ${runs?.[1] ?? runs?.[2] ?? 'some'} inputs, all fine`);
    return true;
  }
  say(said.slice(-6000));
  say(`${target}: FAILED; the input is in ${CRASHES}\nrepeat: ${repeat}`);
  return false;
}

function fuzzTargets(folder, options) {
  const seconds = Number(options.seconds ?? 10);
  const seed = Number(options.seed ?? Date.now() % 1e9);
  const libFuzzer = !options.driver && hasLibFuzzer(folder);
  const all = cFiles('fuzz')
    .map((path) => path.replace(/^.*\/|\.c$/g, ''))
    .filter((name) => !NO_TARGETS.includes(name));
  const targets = options.target === undefined ? all : all.filter((name) => name === options.target);
  if (targets.length === 0) throw new Error(`no such target; there are ${all.join(', ')}`);
  say(`${libFuzzer ? 'libFuzzer' : 'driver (no coverage)'}, seed ${seed}, ${seconds} s each`);
  mkdirSync(CRASHES, { recursive: true });
  const objects = libFuzzer
    ? compileShared(folder, 'clang', ['-fsanitize=fuzzer-no-link,address,undefined'])
    : compileShared(folder, 'cc', ['-fsanitize=address,undefined']);
  let fine = true;
  for (const target of targets) {
    const result = (libFuzzer ? runLibFuzzer : runDriver)(folder, objects, target, seconds, seed);
    const how = `npm run fuzz -- --target ${target} --seconds ${seconds} --seed ${seed}${libFuzzer ? '' : ' --driver'}`;
    fine = report(target, result, how) && fine;
  }
  return fine;
}

function fuzzEngine(folder, options) {
  const seconds = Number(options.seconds ?? 60);
  const seed = Number(options.seed ?? Date.now() % 1e9);
  let fine = true;
  for (const sanitizer of ['address,undefined', 'thread']) {
    const program = join(folder, `engine-${sanitizer.slice(0, 3)}`);
    compile('cc', [`-fsanitize=${sanitizer}`], ENGINE, program);
    // Root can have a device of its own, in a network namespace of its own.
    for (const mode of process.getuid?.() === 0 ? [[], ['--tun']] : [[]]) {
      const half = mode.length === 0 && process.getuid?.() !== 0 ? seconds / 2 : seconds / 4;
      const args = [...mode, String(half), String(seed)];
      say(`engine under ${sanitizer}: ${args.join(' ')}`);
      const result = spawnSync(program, args, {
        stdio: 'inherit',
        env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', TSAN_OPTIONS: 'halt_on_error=1' },
      });
      fine &&= result.status === 0;
    }
  }
  if (!fine) say(`FAILED\nrepeat: npm run fuzz -- --engine --seconds ${seconds} --seed ${seed}`);
  return fine;
}

function fuzz(folder, options) {
  if (options.parsers) return fuzzParsers(options);
  return options.engine ? fuzzEngine(folder, options) : fuzzTargets(folder, options);
}

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
try {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      target: { type: 'string' },
      driver: { type: 'boolean' },
      engine: { type: 'boolean' },
      parsers: { type: 'boolean' },
      minutes: { type: 'string' },
      path: { type: 'string' },
    },
  });
  process.exitCode = (await fuzz(folder, values)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`fuzz: ${error.message}\n`);
  process.exitCode = 2;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
