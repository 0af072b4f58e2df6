// The chaos suite's process edge: arguments, signals, exit code. Run by `npm run chaos`; everything it starts ends
// with it.

import { errorText } from '../../src/lab/errors.js';
import { Interrupted, interruption } from '../../src/lab/interruption.js';
import { Processes } from '../../src/lab/processes.js';
import { openLogFolder } from './log-folder.js';
import { CHAOS_HELP, ChaosUsageError, parseChaosOptions, type ChaosOptions } from './options.js';
import { reportText, scheduleText, violationsText } from './report.js';
import { exhaustion, simultaneousStart } from './pools.js';
import { runFaults } from './run.js';
import { makeSchedule } from './schedule.js';
import { replayCommand } from './setting.js';

function say(text: string): void {
  process.stdout.write(text + '\n');
}

async function run(options: ChaosOptions, open: () => Processes): Promise<number> {
  const episodes = makeSchedule(options).filter(
    ({ number }) => options.only === undefined || number === options.only,
  );
  say(`seed ${options.seed}; the same faults again: ${replayCommand(options)}`);
  if (options.dry) {
    say(scheduleText(episodes));
    return 0;
  }
  let violations = 0;
  if (options.part !== 'faults') violations += await runPools(options, open);
  if (options.part !== 'pools') {
    const logs = openLogFolder(options.logs);
    const outcome = await runFaults({ setting: options, episodes, processes: open(), say, logs });
    violations += outcome.timeline.violations.length;
    say(`\n${reportText(outcome)}`);
  }
  return violations === 0 ? 0 : 1;
}

/** One lab after the other; how many violations there were. */
async function runPools({ backend }: ChaosOptions, open: () => Processes): Promise<number> {
  let violations = 0;
  for (const [name, scenario] of [
    ['simultaneous first start', simultaneousStart],
    ['exhausted pool', exhaustion],
  ] as const) {
    say(`\n${name}`);
    const processes = open();
    const { timeline } = await scenario(backend, processes, say);
    await processes.close();
    violations += timeline.violations.length;
    say(violationsText(timeline));
  }
  return violations;
}

async function guarded(options: ChaosOptions): Promise<number> {
  const opened: Processes[] = [];
  const open = (): Processes => {
    const processes = new Processes();
    opened.push(processes);
    return processes;
  };
  try {
    return await Promise.race([run(options, open), interruption()]);
  } finally {
    await Promise.all(opened.map((processes) => processes.close()));
  }
}

async function exitCode(args: readonly string[]): Promise<number> {
  try {
    const options = parseChaosOptions(args, Math.floor(Math.random() * 1e6));
    if (options === undefined) {
      process.stdout.write(CHAOS_HELP);
      return 0;
    }
    if (!options.dry && process.getuid?.() !== 0) throw new Error('network namespaces need root');
    return await guarded(options);
  } catch (error) {
    process.stderr.write(`chaos: ${errorText(error)}\n`);
    if (error instanceof Interrupted) return error.exitCode;
    return error instanceof ChaosUsageError ? 2 : 1;
  }
}

// Explicitly, because waits that lost the race against an interruption would hold the process for their rest.
process.exit(await exitCode(process.argv.slice(2)));
