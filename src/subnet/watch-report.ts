// What people read about the watch of the leases: keys that cannot be read, and leases that are held against the
// store's word. Log lines and counters only; the decisions are lease-machine.ts's.

import type { MachineOutput } from './lease-machine.js';
import { HOLD_DOWN_MS } from './lease-table.js';
import { LineBudget } from './line-budget.js';
import type { LeaseServices } from './retry.js';
import type { Unreadable } from './registry.js';

export class WatchReport {
  readonly #services: Pick<LeaseServices, 'clock' | 'logger' | 'counters'>;
  readonly #unreadableLines = new LineBudget();
  readonly #holdDownLines = new LineBudget();

  constructor(services: Pick<LeaseServices, 'clock' | 'logger' | 'counters'>) {
    this.#services = services;
  }

  tell({ change, suspicion, ended }: MachineOutput): void {
    const { clock, logger, counters } = this.#services;
    for (const entry of change?.unreadable ?? []) this.#unreadable(entry);
    if (suspicion !== undefined) {
      const { count, reason } = suspicion;
      counters.increment('peersHeld', count);
      if (this.#holdDownLines.spend(clock.monotonic()) === 'line') {
        const until = new Date(clock.now() + HOLD_DOWN_MS).toISOString();
        logger.warn(
          'leases went missing all of a sudden; they stay peers until another listing confirms it',
          {
            count,
            reason,
            until,
          },
        );
      }
    }
    if (ended !== undefined) {
      counters.increment('peersHeldGone', ended.gone);
      if (this.#holdDownLines.spend(clock.monotonic()) === 'line')
        logger.warn('the sudden loss of leases is settled', { ...ended });
    }
  }

  #unreadable({ key, reason, modRevision }: Unreadable): void {
    const { clock, logger, counters } = this.#services;
    counters.increment('leaseUnreadable');
    const told = this.#unreadableLines.spend(clock.monotonic());
    if (told === 'line') {
      logger.warn('skipped a key below the lease prefix that cannot be read', {
        key,
        reason,
        revision: String(modRevision),
      });
    } else if (told === 'last') {
      logger.warn('more keys below the lease prefix cannot be read; for a minute they are only counted');
    }
  }
}
