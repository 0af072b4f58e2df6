// Tells when a network's state changes: one log line a change, but few where it flaps.
// The state itself is never damped: whoever asks network-health.ts hears the truth.

import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import type { NetworkReport } from './network-health.js';
import { reasonText, type HealthState } from './reasons.js';

/** Each state is told at most once in so long; one that lasts is told at the end of it. */
const QUIET_MS = 30_000;

export class TransitionLog {
  readonly #logger: Logger;
  readonly #counters: Counters;
  readonly #onTold: (text: string) => void;
  readonly #toldAt = new Map<HealthState, number>();
  /** A network begins as not ready, which is no news. */
  #told: HealthState = 'not-ready';
  #toldSince: number;
  #seen: HealthState = 'not-ready';
  #changes = 0;

  /** `logger` names the network; `now` is the boottime at which its life began. `onTold` hears each change that is told. */
  constructor(
    { logger, counters, onTold }: { logger: Logger; counters: Counters; onTold?: (text: string) => void },
    now: number,
  ) {
    this.#logger = logger;
    this.#counters = counters;
    this.#onTold = onTold ?? (() => undefined);
    this.#toldSince = now;
  }

  /**
   * Takes note of the state at `now` (boottime milliseconds). Returns when to come again because a change was kept
   * back that may have to be told; Infinity when nothing was.
   */
  observe(report: NetworkReport, now: number): number {
    if (report.state !== this.#seen) this.#count(report.state);
    if (report.state === this.#told) return Infinity;
    const due = (this.#toldAt.get(report.state) ?? -Infinity) + QUIET_MS;
    if (now < due) return due;
    this.#tell(report, now);
    return Infinity;
  }

  #count(state: HealthState): void {
    this.#seen = state;
    this.#changes++;
    if (state === 'degraded') this.#counters.increment('healthDegraded');
    if (state === 'not-ready') this.#counters.increment('healthNotReady');
  }

  #tell({ state, reasons }: NetworkReport, now: number): void {
    const fields = {
      state,
      former: this.#told,
      seconds: Math.round((now - this.#toldSince) / 1000),
      ...(this.#changes > 1 ? { count: this.#changes } : {}),
      ...(reasons.length === 0
        ? {}
        : {
            code: reasons.map(({ code }) => code).join(' '),
            reason: reasons.map((reason) => reasonText(reason)).join(', '),
          }),
    };
    const log = { ready: 'info', degraded: 'warn', 'not-ready': 'error' } as const;
    this.#logger[log[state]]('health has changed', fields);
    const why = reasons.map((reason) => reasonText(reason)).join(', ');
    this.#onTold(why === '' ? state : `${state}: ${why}`);
    this.#told = state;
    this.#toldSince = now;
    this.#toldAt.set(state, now);
    this.#changes = 0;
  }
}
