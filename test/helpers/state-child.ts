// Runs test/fixtures/state-child.ts as a process, and hears what it prints.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

export const STATE_CHILD = fileURLToPath(new URL('../fixtures/state-child.js', import.meta.url));

export class StateChild {
  /** What it has printed. */
  output = '';
  readonly #process: ChildProcess;

  /** Runs until it has printed a line. Killed with the test. */
  static async start(t: ExecutionContext, ...parameters: string[]): Promise<StateChild> {
    const child = new StateChild(spawn(process.execPath, [STATE_CHILD, ...parameters], { stdio: 'pipe' }));
    t.teardown(() => child.kill());
    while (!child.output.includes('\n')) {
      const line = once(child.#process.stdout ?? process, 'data');
      const end = once(child.#process, 'exit').then(() => 'end');
      if ((await Promise.race([line, end])) === 'end') throw new Error(`it ended: ${child.output}`);
    }
    return child;
  }

  private constructor(child: ChildProcess) {
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString();
      });
    }
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** SIGKILL; resolves when it is gone and all it printed has been heard. */
  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await closed;
  }
}
