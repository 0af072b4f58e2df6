// The host's own routes, kept current for backends that route directly: who is on-link can change at any time.
// It changes nothing, and leaves out what we programmed ourselves.

import { routeLookup } from '../backends/onlink.js';
import type { RouteTo } from '../backends/backend.js';
import type { Cancel, Clock } from '../clock.js';
import { PROTOCOL, type Kernel, type KernelEvent, type Link, type Route } from '../kernel/kernel.js';
import type { Logger } from '../logger.js';
import type { Counters } from '../counters.js';

/** Shorter than the reconciler waits: it should not try what cannot be, such as a route whose gateway has just gone. */
const DEBOUNCE_MS = 10;
/** Pods that come and go change the host's routes all the time; a storm is read this often at most. */
const INTERVAL_MS = 100;
const RETRY_MS = 1_000;

export interface HostRoutes {
  /** By the last reading; another function after each change. */
  readonly routeTo: RouteTo;
  stop(): void;
}

interface Parts {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
}

interface Reading {
  readonly routeTo: RouteTo;
  /** Equal for readings that answer every question alike. */
  readonly text: string;
}

/** Reads the routes, and again after each change by somebody else; a reading that differs is told to `onChange`. */
export async function followHostRoutes(
  parts: Parts,
  onChange: (routeTo: RouteTo) => void,
): Promise<HostRoutes> {
  const { kernel, clock, counters, logger } = parts;
  let timer: Cancel | undefined;
  let reading: Promise<void> | undefined;
  let stale = false;
  let stopped = false;
  let last = -INTERVAL_MS;

  const request = (ms: number): void => {
    if (stopped) return;
    stale = true;
    if (reading !== undefined) return;
    timer ??= clock.after(Math.max(ms, last + INTERVAL_MS - clock.monotonic()), again);
  };
  const again = (): void => {
    timer = undefined;
    stale = false;
    last = clock.monotonic();
    reading = read(kernel).then(changed, failed).finally(next);
  };
  const changed = (now: Reading): void => {
    if (stopped || now.text === current.text) return;
    current = now;
    onChange(now.routeTo);
  };
  const failed = (error: unknown): void => {
    counters.increment('kernelOperationErrors');
    logger.error('reading the host’s routes failed, trying again', { err: error });
    last = clock.monotonic() + RETRY_MS - INTERVAL_MS;
    stale = true;
  };
  const next = (): void => {
    reading = undefined;
    if (stale) request(DEBOUNCE_MS);
  };

  const unwatch = await kernel.watch((event) => {
    if (changesRoutes(event)) request(DEBOUNCE_MS);
  });
  const first = read(kernel);
  // Events that come meanwhile are read for afterwards.
  reading = first.then(
    () => undefined,
    () => undefined,
  );
  let current: Reading;
  try {
    current = await first;
  } catch (error) {
    stopped = true;
    unwatch();
    throw error;
  }
  next();
  return {
    get routeTo() {
      return current.routeTo;
    },
    stop: () => {
      stopped = true;
      unwatch();
      timer?.();
    },
  };
}

async function read(kernel: Kernel): Promise<Reading> {
  const [routes, links] = await Promise.all([kernel.routes(4), kernel.links()]);
  return { routeTo: routeLookup(routes, links), text: readingText(routes, links) };
}

/** What a look-up can answer with: our own routes, and links that no route leads over, make no difference. */
function readingText(routes: readonly Route[], links: readonly Link[]): string {
  const foreign = routes.filter((route) => route.protocol !== PROTOCOL.flanneld);
  const used = new Set(
    foreign.flatMap((route) => [route.link, ...(route.hops ?? []).map((hop) => hop.link)]),
  );
  const names = links.filter((link) => used.has(link.index)).map(({ index, name }) => [index, name]);
  const lines = foreign.map(({ dst, metric, type, gateway, link, hops }) =>
    [dst, metric, type, gateway ?? '', link ?? '', hops === undefined ? '' : 'several'].join(' '),
  );
  return JSON.stringify([names, lines.sort()]);
}

function changesRoutes(event: KernelEvent): boolean {
  return (
    event.type === 'resync' ||
    (['link', 'address', 'route'].includes(event.type) && !('own' in event && event.own))
  );
}
