// One step of a trace: what it is, and how one is written. What is looked at is trace-steps.ts and trace-tunnel.ts.

import type { Link } from '../kernel/kernel.js';

/** `stop`: the packet comes no further. `warn`: some do not, or it may be so. */
export type StepState = 'ok' | 'warn' | 'stop';

export interface TraceStep {
  /** What is looked at: `route`, `neighbour`, `peer`. */
  readonly at: string;
  readonly state: StepState;
  readonly text: string;
  /** A command, or what to do. */
  readonly remedy?: string;
}

export const ok = (at: string, text: string): TraceStep => ({ at, state: 'ok', text });
export const warn = (at: string, text: string, remedy?: string): TraceStep => step('warn', at, text, remedy);
export const stop = (at: string, text: string, remedy?: string): TraceStep => step('stop', at, text, remedy);

function step(state: StepState, at: string, text: string, remedy: string | undefined): TraceStep {
  return { at, state, text, ...(remedy === undefined ? {} : { remedy }) };
}

/** A link that carries packets, or does not. */
export function upStep(at: string, link: Link, what: string): TraceStep {
  if (!link.up) return stop(at, `${what} over ${link.name}, which is down`, `ip link set ${link.name} up`);
  if (!link.carrier) return stop(at, `${what} over ${link.name}, which has no carrier`);
  return ok(at, `${what} over ${link.name}`);
}
