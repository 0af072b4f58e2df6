// Hands seeds to worker processes, one at a time each, and their results to whoever asked.

import { fork, type ChildProcess } from 'node:child_process';
import type { SeedResult } from './run-seed.js';
import type { Job } from './worker.js';

const WORKER = new URL('worker.js', import.meta.url).pathname;

/** Resolves when every seed has its result, or `signal` is aborted; rejects when a worker dies. */
export async function runSeeds(
  seeds: readonly number[],
  options: { readonly jobs: number; readonly shrinkMs: number; readonly signal: AbortSignal },
  onResult: (result: SeedResult) => void,
): Promise<void> {
  const queue = [...seeds];
  const { jobs, shrinkMs, signal } = options;
  const next = (): Job | undefined => {
    const seed = queue.shift();
    return seed === undefined || signal.aborted ? undefined : { seed, shrinkMs };
  };
  await Promise.all(Array.from({ length: jobs }, () => work(next, signal, onResult)));
}

function work(
  next: () => Job | undefined,
  signal: AbortSignal,
  onResult: (result: SeedResult) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const first = next();
    if (first === undefined) {
      resolve();
      return;
    }
    let current = first;
    const worker: ChildProcess = fork(WORKER);
    const end = (): void => void worker.kill();
    signal.addEventListener('abort', end, { once: true });
    worker.on('message', (result) => {
      onResult(result as SeedResult);
      const job = next();
      if (job === undefined) end();
      else worker.send((current = job));
    });
    worker.on('exit', (code, killedBy) => {
      signal.removeEventListener('abort', end);
      if (killedBy === 'SIGTERM') resolve();
      else reject(new Error(`the worker died in seed ${current.seed} (${String(code ?? killedBy)})`));
    });
    worker.send(current);
  });
}
