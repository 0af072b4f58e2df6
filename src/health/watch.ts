// Looks at the health whenever it may have changed, by an event or by time, and tells: the log of each change, and
// the status line to whoever shows it. Asking for the state needs none of this.

import type { Cancel, Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import type { DaemonHealth, HealthReport } from './daemon-health.js';
import { nextStatusChange, statusText } from './status-text.js';
import { TransitionLog } from './transition-log.js';

export interface HealthWatchParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  /** Called with the line when it is another one, at most once a second. */
  readonly onStatus: (text: string) => void;
  /** Called with each change of a network's state that is told in the log. */
  readonly onChange?: (network: string, text: string) => void;
}

const STATUS_GAP_MS = 1_000;
/** A timer does not count the time of a suspend, and a lease does: after one, look so soon at the latest. */
const LONGEST_WAIT_MS = 60_000;

/** Starts at once; returns the stop, after which no timer is left. */
export function watchHealth(health: DaemonHealth, parts: HealthWatchParts): () => void {
  const watch = new HealthWatch(health, parts);
  const stop = health.onChange(() => {
    watch.soon();
  });
  watch.soon();
  return () => {
    stop();
    watch.stop();
  };
}

class HealthWatch {
  readonly #health: DaemonHealth;
  readonly #parts: HealthWatchParts;
  readonly #logs = new Map<string, TransitionLog>();
  #cancel: Cancel = () => undefined;
  #isSoon = false;
  #status = '';
  #statusAt = -Infinity;

  constructor(health: DaemonHealth, parts: HealthWatchParts) {
    this.#health = health;
    this.#parts = parts;
  }

  /**
   * In a later turn of the event loop: what is set and cleared together is one change. A look that is due is not
   * put off, so that changes without end do not keep it away.
   */
  soon(): void {
    if (this.#isSoon) return;
    this.#lookIn(0);
    this.#isSoon = true;
  }

  stop(): void {
    this.#cancel();
  }

  #lookIn(ms: number): void {
    this.#cancel();
    this.#cancel = this.#parts.clock.after(ms, () => {
      this.#look();
    });
  }

  #look(): void {
    this.#isSoon = false;
    const now = this.#parts.clock.boottime();
    const report = this.#health.report(now);
    const next = Math.min(
      this.#health.nextChange(now),
      nextStatusChange(report),
      this.#tellChanges(report, now),
      this.#tellStatus(report, now),
    );
    // At least a millisecond: a timer may be a little early.
    this.#lookIn(Math.min(LONGEST_WAIT_MS, Math.max(1, Math.ceil(next - now))));
  }

  #tellChanges({ networks }: HealthReport, now: number): number {
    const names = new Set(networks.map(({ name }) => name));
    for (const name of this.#logs.keys()) if (!names.has(name)) this.#logs.delete(name);
    return Math.min(
      Infinity,
      ...networks.map((network) => this.#logOf(network.name, now).observe(network, now)),
    );
  }

  #logOf(name: string, now: number): TransitionLog {
    const { logger, counters, onChange } = this.#parts;
    const onTold = (text: string): void => {
      onChange?.(name, text);
    };
    const log =
      this.#logs.get(name) ??
      new TransitionLog({ logger: logger.child({ network: name }), counters, onTold }, now);
    this.#logs.set(name, log);
    return log;
  }

  #tellStatus(report: HealthReport, now: number): number {
    const text = statusText(report);
    if (text === this.#status) return Infinity;
    const due = this.#statusAt + STATUS_GAP_MS;
    if (now < due) return due;
    this.#status = text;
    this.#statusAt = now;
    this.#parts.onStatus(text);
    return Infinity;
  }
}
