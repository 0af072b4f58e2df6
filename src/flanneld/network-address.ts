// Follows the address that this node announces: DHCP gives another one, a cable moves, an interface goes away. It chooses
// as at the start, by the same flags, and says when the answer is another one. What follows from it is network.ts.

import type { Cancel } from '../clock.js';
import type { KernelEvent } from '../kernel/kernel.js';
import type { ExternalInterface } from '../backends/backend.js';
import { FatalError } from './errors.js';
import type { InterfaceWishes } from './external-interface.js';
import { choose, type NetworkParts } from './network-setup.js';

/** A new address comes in several steps, and the old one may be back after the next. */
const DEBOUNCE_MS = 500;
/** Pods that come and go change links and routes all the time. */
const INTERVAL_MS = 2_000;
const RETRY_MS = 5_000;

export type Chosen = Awaited<ReturnType<typeof choose>>;

/** Follows until the stop, which is returned. `onChange` hears of each choice that differs from the one before. */
export async function followAddress(
  parts: NetworkParts,
  wishes: InterfaceWishes,
  first: ExternalInterface,
  onChange: (chosen: Chosen) => void,
): Promise<() => void> {
  const { kernel, clock, logger, counters, health } = parts;
  let current = textOf(first);
  let timer: Cancel | undefined;
  let due = Infinity;
  let last = -INTERVAL_MS;
  let stopped = false;

  const lookIn = (ms: number): void => {
    const now = clock.monotonic();
    const at = Math.max(now + ms, last + INTERVAL_MS);
    if (stopped || due <= at) return;
    timer?.();
    due = at;
    timer = clock.after(at - now, () => void look());
  };
  const look = async (): Promise<void> => {
    due = Infinity;
    last = clock.monotonic();
    try {
      const chosen = await choose(parts, wishes);
      if (isStopped()) return;
      health.clear('address-lost');
      const text = textOf(chosen.choice.external);
      if (text === current) return;
      current = text;
      onChange(chosen);
    } catch (error) {
      if (isStopped()) return;
      lookIn(RETRY_MS);
      if (error instanceof FatalError) {
        // An interface that goes away may come back: what is announced stays until there is something better.
        health.set('address-lost', error.message);
        return;
      }
      counters.increment('waitRetries');
      logger.warn('the interface cannot be looked up, trying again', { err: error });
    }
  };
  const isStopped = (): boolean => stopped;

  const unwatch = await kernel.watch((event) => {
    if (concerns(event)) lookIn(DEBOUNCE_MS);
  });
  // For what happened between the first choice and the watch.
  lookIn(DEBOUNCE_MS);
  return () => {
    stopped = true;
    timer?.();
    unwatch();
  };
}

/** Routes, too: the default route may name the interface. */
function concerns(event: KernelEvent): boolean {
  return (
    event.type === 'resync' ||
    (['link', 'address', 'route'].includes(event.type) && !('own' in event && event.own))
  );
}

/** Equal for interfaces that make no difference. */
function textOf({ name, mtu, addresses, publicIps, sources }: ExternalInterface): string {
  return JSON.stringify([name, mtu, addresses, publicIps, sources]);
}
