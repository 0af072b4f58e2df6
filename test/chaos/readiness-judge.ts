// Whether what a daemon says of itself may be: one whose lease must have run out is not ready, and goes on forwarding
// all the same. It is called late rather than wrongly: what the lab cannot know speaks for the daemon. Pure.

import type { Conditions } from './conditions.js';
import type { Timeline } from './timeline.js';

/** What a health listener answered; undefined for nobody. */
export interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

export interface ReadinessParts {
  readonly conditions: Conditions;
  readonly timeline: Timeline;
  readonly ttlSeconds: number;
  readonly now: () => number;
  /** Called once for each time a host's lease has run out: what it forwards must be there still. */
  readonly onExpired: (host: number) => void;
}

/** A busy machine asks late and answers late. */
const SLACK_MS = 2000;

export class ReadinessJudge {
  readonly #parts: ReadinessParts;
  /** Hosts that are past their lease's end and have said so, or have been told of. */
  readonly #past = new Set<number>();

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** An answer that was asked for at `askedAt`. */
  hear(host: number, askedAt: number, { status, body }: Answer): void {
    const { conditions, timeline, ttlSeconds, now } = this.#parts;
    if (status === undefined) return;
    const without = askedAt - conditions.lastContact(host);
    const isPast = without > ttlSeconds * 1000 + SLACK_MS && conditions.runs(host);
    if (!isPast) {
      if (without <= 0) this.#past.delete(host);
      return;
    }
    if (this.#past.has(host)) return;
    this.#past.add(host);
    const since = `${(without / 1000).toFixed(1)} s without etcd, with a lease of ${ttlSeconds} s`;
    if (status !== 503)
      timeline.violate(
        'readiness',
        `host${host + 1} says it is ready (${status}) after ${since}: ${body}`,
        host,
        now(),
      );
    else timeline.note(`host${host + 1} is not ready after ${since}`);
    this.#parts.onExpired(host);
  }
}

/** `ready`, `degraded`, `not-ready`, or what else there is to say of an answer. */
export function stateOf({ status, body }: Answer): string {
  if (status === undefined) return 'no answer';
  try {
    const { state } = JSON.parse(body) as { readonly state?: unknown };
    return typeof state === 'string' ? state : `HTTP ${status}`;
  } catch {
    return `HTTP ${status}`;
  }
}
