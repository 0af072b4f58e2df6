// The host's own routes, kept current for backends that route directly: who is on-link can change at any time.
// It changes nothing, and leaves out what we programmed ourselves.

import { routeLookup } from '../backends/onlink.js';
import type { RouteTo } from '../backends/backend.js';
import type { Cancel, Clock } from '../clock.js';
import type { Kernel, KernelEvent } from '../kernel/kernel.js';
import type { Logger } from '../logger.js';
import type { Counters } from '../counters.js';

/** Long enough for a burst of a link coming up, short enough for a repair within the second. */
const DEBOUNCE_MS = 100;

export interface HostRoutes {
  readonly routeTo: RouteTo;
  stop(): void;
}

interface Parts {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
}

/** Reads the routes, and again after each change by somebody else; then `routeTo` is another function. */
export async function followHostRoutes(
  parts: Parts,
  onChange: (routeTo: RouteTo) => void,
): Promise<HostRoutes> {
  let timer: Cancel | undefined;
  let stopped = false;
  const read = async (): Promise<RouteTo> =>
    routeLookup(await parts.kernel.routes(4), await parts.kernel.links());
  const again = (): void => {
    timer = undefined;
    read().then(
      (routeTo) => {
        if (!stopped) onChange(routeTo);
      },
      (error: unknown) => {
        parts.counters.increment('kernelOperationErrors');
        parts.logger.error('reading the host’s routes failed, trying again', { err: error });
        if (!stopped) timer ??= parts.clock.after(DEBOUNCE_MS * 10, again);
      },
    );
  };
  const unwatch = await parts.kernel.watch((event) => {
    if (changesRoutes(event)) timer ??= parts.clock.after(DEBOUNCE_MS, again);
  });
  const routeTo = await read();
  return {
    routeTo,
    stop: () => {
      stopped = true;
      unwatch();
      timer?.();
    },
  };
}

function changesRoutes(event: KernelEvent): boolean {
  return (
    event.type === 'resync' ||
    (['link', 'address', 'route'].includes(event.type) && !('own' in event && event.own))
  );
}
