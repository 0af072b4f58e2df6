// What happened when, in the seconds of the run: printed as it comes, kept for the report. Violations stand in it too.

export interface Entry {
  /** Milliseconds on the monotonic clock. */
  readonly at: number;
  readonly text: string;
}

/** What must not happen, by the name docs/chaos.md explains. */
export const RULES = [
  'overlap',
  'wrong-host',
  'connectivity',
  'convergence',
  'exit',
  'lease',
  'growth',
  'readiness',
  'pool',
] as const;
export type Rule = (typeof RULES)[number];

export interface Violation extends Entry {
  readonly rule: Rule;
  /** Whose daemon is concerned, if it is one's. */
  readonly host: number | undefined;
  /** The last log lines of that daemon at the moment of finding it. */
  readonly log: string;
}

export class Timeline {
  readonly violations: Violation[] = [];
  readonly entries: Entry[] = [];
  readonly #now: () => number;
  readonly #say: (line: string) => void;
  readonly #start: number;
  readonly #logOf: (host: number) => string;

  /** `logOf`: the newest log lines of a host's daemon. */
  constructor(now: () => number, say: (line: string) => void, logOf: (host: number) => string) {
    this.#now = now;
    this.#say = say;
    this.#start = now();
    this.#logOf = logOf;
  }

  /** Seconds since the beginning, as text. */
  when(at: number): string {
    return `${((at - this.#start) / 1000).toFixed(2).padStart(8)} s`;
  }

  note(text: string): void {
    this.#add({ at: this.#now(), text });
  }

  /** Something that must not be, at a moment that may lie back. */
  violate(rule: Rule, text: string, host?: number, at = this.#now()): void {
    const log = host === undefined ? '' : this.#logOf(host);
    this.violations.push({ at, rule, text, host, log });
    this.#add({ at, text: `VIOLATION (${rule}): ${text}` });
  }

  /** What happened around a moment, in order of time. */
  around(at: number, beforeMs: number, afterMs: number): readonly Entry[] {
    return this.entries
      .filter((entry) => entry.at >= at - beforeMs && entry.at <= at + afterMs)
      .sort((a, b) => a.at - b.at);
  }

  #add(entry: Entry): void {
    this.entries.push(entry);
    this.#say(`${this.when(entry.at)}  ${entry.text}`);
  }
}
