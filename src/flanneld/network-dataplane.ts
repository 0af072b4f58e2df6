// The packet engine in the life of a network: built where the backend needs one, its drops told, closed at the end.
// Putting it on its device and giving it routes is the reconciler's business.

import type { OpenedBackend } from '../backends/backend.js';
import type { Cancel, Clock } from '../clock.js';
import type { Dataplane } from '../kernel/dataplane.js';
import type { Logger } from '../logger.js';
import { FatalError } from './errors.js';
import type { SetupParts } from './network-setup.js';
import type { Stops } from './stops.js';

const REPORT_MS = 60_000;

/** Whom the engine's own words go to. */
interface EngineListeners {
  /** Its device is gone. */
  readonly lost: () => void;
  /** It carries nothing any more: the network has to end with this. */
  readonly failed: (error: FatalError) => void;
}

/**
 * The engine, with its stop taken over; undefined for a backend whose packets the kernel carries. Nothing is open
 * before the first pass of the reconciler. Throws FatalError when there is none to be had.
 */
export function openDataplane(
  { dataplane: build, clock, logger }: SetupParts,
  backend: OpenedBackend,
  stops: Stops,
  listeners: EngineListeners,
): Dataplane | undefined {
  if (backend.usesDataplane !== true) return undefined;
  if (build === undefined) {
    const message = `no packet engine for ${backend.description}: this flanneld is built without one; set another Backend.Type in the network config`;
    throw new FatalError('dataplane-failed', message);
  }
  const dataplane = build({
    lost: listeners.lost,
    failed: (error) => {
      const message = `the packet engine cannot go on: ${error.message}; start flanneld again, and report it if it comes back`;
      listeners.failed(new FatalError('dataplane-failed', message, { cause: error }));
    },
  });
  const report = new DropReport(dataplane, clock, logger);
  report.start();
  stops.add('packet engine', () => {
    report.stop();
    dataplane.close();
  });
  return dataplane;
}

type Totals = Readonly<Record<string, number>>;

/** Says once a minute what was dropped since, and nothing where nothing was; all totals at the end. */
class DropReport {
  readonly #dataplane: Dataplane;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #told: Totals = {};
  #cancel: Cancel | undefined;

  constructor(dataplane: Dataplane, clock: Clock, logger: Logger) {
    this.#dataplane = dataplane;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(): void {
    this.#cancel = this.#clock.after(REPORT_MS, () => {
      this.#tell();
      this.start();
    });
  }

  /** Before the engine is closed: afterwards it knows nothing. */
  stop(): void {
    this.#cancel?.();
    const object = totalsText(this.#dataplane.stats()?.counters ?? {});
    if (object !== '') this.#logger.info('what the packet engine did', { object });
  }

  #tell(): void {
    const now = this.#dataplane.stats()?.counters;
    if (now === undefined) return;
    const growth = Object.entries(now)
      .filter(([name]) => name.startsWith('drop'))
      .map(([name, total]) => [name, total - (this.#told[name] ?? 0)] as const)
      // An engine that was opened anew counts from zero.
      .map(([name, more]) => [name, more < 0 ? (now[name] ?? 0) : more] as const);
    this.#told = now;
    const object = totalsText(Object.fromEntries(growth));
    if (object !== '') this.#logger.info('packets dropped in the last minute', { object });
  }
}

/** `dropNoRoute 3, dropStranger 20`: those that are not zero. */
function totalsText(totals: Totals): string {
  return Object.entries(totals)
    .filter(([, total]) => total !== 0)
    .map(([name, total]) => `${name} ${total}`)
    .join(', ');
}
