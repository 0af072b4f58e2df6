// What one network remembers of its routes from pass to pass: the places it has held, and whether it has begun.
// A place once held is put right when somebody takes it; one that was never ours is a collision. Lasts one life.

import { familyOf } from '../subnet/cidr.js';
import { routeKey, type Actual } from './actual.js';
import { PROTOCOL, type KernelOperation } from './kernel.js';
import type { RouteMemory } from './plan-objects.js';
import { defaultMetric, type WantedKernel } from './wanted.js';

export class RouteHistory implements RouteMemory {
  readonly #held = new Set<string>();
  #starting = true;

  get held(): ReadonlySet<string> {
    return this.#held;
  }

  get starting(): boolean {
    return this.#starting;
  }

  /** A reading of the kernel: a wanted place (a blackhole's too) with a route of our mark is ours, from this life or an earlier one. */
  observed(actual: Actual, wanted: WantedKernel): void {
    const destinations = [...wanted.routes.map(({ dst }) => dst), ...(wanted.blackholes ?? [])];
    const places = new Set(
      destinations.map((dst) => routeKey({ dst, metric: defaultMetric(familyOf(dst)) })),
    );
    for (const place of this.#held) if (!places.has(place)) this.#held.delete(place);
    for (const place of places) {
      const routes = actual.routes.get(place) ?? [];
      if (routes.some((route) => route.protocol === PROTOCOL.flanneld)) this.#held.add(place);
    }
  }

  /** An operation the kernel has carried out. */
  done(operation: KernelOperation): void {
    if (operation.kind === 'route' && operation.verb !== 'delete') this.#held.add(routeKey(operation.route));
  }

  /** A pass that read everything is through: what an upstream daemon left has been dealt with. */
  begun(): void {
    this.#starting = false;
  }
}
