// How a simulation lets everything that is resolved run to its end: without a turn of the event loop, since a virtual
// day has a hundred thousand of these.

/** Real turns in between keep the process answering to signals, and let it tell of rejections nobody handled. */
const REAL_TURN_EVERY = 10_000;

/**
 * Waits until no microtask is left. Node runs its next-tick queue when the microtasks have run dry, whatever they
 * set off; nothing that is simulated here uses that queue itself.
 */
export function settleMicrotasks(): () => Promise<void> {
  let count = 0;
  return () =>
    new Promise((resolve) => {
      if (++count % REAL_TURN_EVERY === 0) setImmediate(resolve);
      else process.nextTick(resolve);
    });
}

/** One real turn: what a step left behind, such as an unhandled rejection, is known after it. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface Rejections {
  /** Those that nobody has handled since. */
  readonly caught: readonly string[];
  stop(): void;
}

/** Catches what would end the process: promises of the simulated daemons that were rejected and left alone. */
export function catchRejections(): Rejections {
  const caught: string[] = [];
  const listener = (reason: unknown): void =>
    void caught.push(reason instanceof Error ? (reason.stack ?? reason.message) : 'no error');
  process.on('unhandledRejection', listener);
  return {
    caught,
    stop: () => {
      process.off('unhandledRejection', listener);
    },
  };
}
