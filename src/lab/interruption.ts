// Signals of the terminal and of service managers as one rejection, for programs that have to clean up first.
// Ends nothing itself; the process edge races its work against it.

export class Interrupted extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }

  /** What a shell expects of a program that ended by it. */
  get exitCode(): number {
    return this.signal === 'SIGINT' ? 130 : 143;
  }
}

/** Never resolves; rejects with Interrupted at the first signal, or when nobody reads our output any more. */
export function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        reject(new Interrupted(signal));
      });
    }
    // Whoever read our output has gone: there is nobody left to show anything to.
    process.stdout.on('error', () => {
      reject(new Interrupted('SIGPIPE'));
    });
  });
}
