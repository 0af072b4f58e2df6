// Which hosts and which paths between two hosts are disturbed, since when and until when, and by what. The judge of
// probes asks it whether a loss is excused. Pure: times are handed in.

/** All paths of a host, or the one between two. */
export type Subject = readonly [number] | readonly [number, number];

export interface Disturbance {
  readonly subject: Subject;
  readonly reason: string;
  readonly from: number;
  /** Undefined while it lasts. */
  until: number | undefined;
}

export interface Tolerance {
  /** How long before a disturbance a probe may have set out that is lost to it. */
  readonly leadMs: number;
  /** How long after its end things may take to be whole again. */
  readonly graceMs: number;
}

interface Open {
  readonly disturbance: Disturbance;
  /** Whether it is over; asked again and again. */
  readonly over: () => boolean;
}

export class Disturbances {
  readonly #tolerance: Tolerance;
  #all: Disturbance[] = [];
  #open: Open[] = [];

  constructor(tolerance: Tolerance) {
    this.#tolerance = tolerance;
  }

  /** Begins one, which lasts until the returned function is called. */
  begin(subject: Subject, reason: string, at: number): (at: number) => void {
    const disturbance: Disturbance = { subject, reason, from: at, until: undefined };
    this.#all.push(disturbance);
    return (end) => {
      disturbance.until ??= end;
    };
  }

  /** Begins one, which lasts until `over` says so at a tick. */
  beginUntil(subject: Subject, reason: string, at: number, over: () => boolean): void {
    const disturbance: Disturbance = { subject, reason, from: at, until: undefined };
    this.#all.push(disturbance);
    this.#open.push({ disturbance, over });
  }

  /** Ends those that are over. */
  tick(now: number): void {
    this.#open = this.#open.filter(({ disturbance, over }) => {
      if (!over()) return true;
      disturbance.until = now;
      return false;
    });
  }

  /** Drops those that are over, with their grace. */
  forget(): void {
    this.#all = this.#all.filter(({ until }) => until === undefined);
  }

  /** The reasons of those that last at this moment; a grace may last longer. */
  open(): readonly string[] {
    return this.#all.filter(({ until }) => until === undefined).map(({ reason }) => reason);
  }

  /** Why the path between two hosts may have lost something that set out at `at`; undefined when it must not have. */
  excuse(a: number, b: number, at: number): string | undefined {
    const { leadMs, graceMs } = this.#tolerance;
    return this.#all.find(
      ({ subject, from, until }) =>
        touches(subject, a, b) && from - leadMs <= at && at <= (until ?? Infinity) + graceMs,
    )?.reason;
  }

  /** Whether any whose reason begins so touches the time between these moments. */
  any(from: number, to: number, reason: string): boolean {
    const { leadMs, graceMs } = this.#tolerance;
    return this.#all.some(
      (one) =>
        one.reason.startsWith(reason) && one.from - leadMs <= to && from <= (one.until ?? Infinity) + graceMs,
    );
  }
}

function touches([first, second]: Subject, a: number, b: number): boolean {
  if (second === undefined) return first === a || first === b;
  return (first === a && second === b) || (first === b && second === a);
}
