// A process that lives histories through: gets seeds, answers with what came of each. main.ts starts one a processor.

import { runSeed } from './run-seed.js';

export interface Job {
  readonly seed: number;
  readonly shrinkMs: number;
}

// Expected errors are thrown by the hundred thousand; what an unexpected one says, a replay shows.
Error.stackTraceLimit = 0;

process.on('message', ({ seed, shrinkMs }: Job) => {
  void runSeed(seed, shrinkMs).then((result) => process.send?.(result));
});
