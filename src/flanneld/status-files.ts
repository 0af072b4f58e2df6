// Keeps the status files of networks (network-status.ts) equal to their health: for programs that find no env file.
// Where they are written is the env files' business; who reads them is the CNI plugin's.

import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { DaemonHealth } from '../health/daemon-health.js';
import type { NetworkReport } from '../health/network-health.js';
import { reasonText } from '../health/reasons.js';
import type { Logger } from '../logger.js';
import { renderNetworkStatus, statusPath, type NetworkState, type NetworkStatus } from '../network-status.js';
import type { ProcessIdentity } from '../process-identity.js';
import { NewestWins } from '../state/newest-wins.js';
import type { PlannedNetwork } from './network-options.js';
import type { EnvFiles } from './subnet-env.js';

export interface StatusParts {
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly envFiles: Pick<EnvFiles, 'write' | 'remove'>;
  readonly daemonHealth: Pick<DaemonHealth, 'report' | 'onChange'>;
  readonly identity: ProcessIdentity;
  readonly subnetDir: string;
}

interface Kept {
  readonly network: Pick<PlannedNetwork, 'name' | 'prefix' | 'subnetFiles'>;
  readonly path: string;
  readonly file: NewestWins<string>;
  /** When the state began; the reason may change meanwhile. */
  state: NetworkState | undefined;
  reason: string;
  since: string;
}

export class StatusFiles {
  readonly #parts: StatusParts;
  readonly #kept = new Map<string, Kept>();
  readonly #unwatch: () => void;

  /** Follows the health until stop(). */
  constructor(parts: StatusParts) {
    this.#parts = parts;
    this.#unwatch = parts.daemonHealth.onChange(() => {
      this.#look();
    });
  }

  /** From now on the network has a file. */
  open(network: Kept['network']): void {
    const path = statusPath(this.#parts.subnetDir, network.name);
    const file = new NewestWins((text: string) => this.#write(path, text));
    this.#kept.set(network.name, { network, path, file, state: undefined, reason: '', since: '' });
    this.#look();
  }

  /** The network is gone, and its file with it. */
  async remove(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    await kept.file.idle();
    try {
      await this.#parts.envFiles.remove(kept.path);
    } catch (error) {
      this.#failed(kept.path, error);
    }
  }

  /** Says of every network that the daemon has ended in order. */
  async stop(): Promise<void> {
    this.#unwatch();
    const all = [...this.#kept.values()];
    for (const kept of all) this.#tell(kept, 'stopped', 'flanneld was stopped');
    await Promise.all(all.map(({ file }) => file.idle()));
  }

  #look(): void {
    const { networks } = this.#parts.daemonHealth.report();
    for (const report of networks) {
      const kept = this.#kept.get(report.name);
      if (kept === undefined) continue;
      this.#tell(kept, stateOf(report), report.reasons.map((reason) => reasonText(reason)).join('; '));
    }
  }

  #tell(kept: Kept, state: NetworkState, reason: string): void {
    // Every change of any network's health comes by here.
    if (kept.state === state && kept.reason === reason) return;
    kept.reason = reason;
    if (kept.state !== state) {
      kept.state = state;
      kept.since = new Date(this.#parts.clock.now()).toISOString();
    }
    const { name: network, prefix, subnetFiles } = kept.network;
    const { since } = kept;
    const status: NetworkStatus = {
      ...{ network, prefix, subnetFiles, ...this.#parts.identity },
      ...{ state, reason, since },
    };
    void kept.file.put(renderNetworkStatus(status));
  }

  /** Never rejects: it is an aid to people, and traffic does not depend on it. */
  async #write(path: string, text: string): Promise<void> {
    try {
      await this.#parts.envFiles.write(path, text);
    } catch (error) {
      this.#failed(path, error);
    }
  }

  #failed(file: string, error: unknown): void {
    this.#parts.counters.increment('statusWriteErrors');
    this.#parts.logger.warn('the status file cannot be written', { file, err: error });
  }
}

function stateOf({ state, reasons }: NetworkReport): NetworkState {
  return reasons.some(({ code }) => code === 'leaving') ? 'leaving' : state;
}
