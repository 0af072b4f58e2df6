// What a run counts besides violations. Plain numbers, filled by whoever sees something happen.

export class Figures {
  readonly faults = new Map<string, number>();
  /** Faults that could not be done because what they are about was not there. */
  skipped = 0;
  /** Objects that daemons say they have put right. */
  repairs = 0;
  /** Daemons that ended by themselves, by exit code or signal. */
  readonly exits = new Map<string, number>();
  /** Pods that got another address. */
  moves = 0;
  /** Packets that arrived at a host they were not for while a lease had just changed hands. */
  excusedStrays = 0;
  /** How long it took from the end of an episode's last fault until all was as it must be, in milliseconds. */
  readonly settleMs: number[] = [];
  leaseChanges = 0;
  /** Answers of health listeners, by HTTP status. */
  readonly answers = new Map<string, number>();

  count(map: Map<string, number>, name: string): void {
    map.set(name, (map.get(name) ?? 0) + 1);
  }

  /** Reads a daemon's log line for repairs. */
  readLogLine(line: string): void {
    if (!line.includes('put right')) return;
    try {
      this.repairs += (JSON.parse(line) as { readonly count?: number }).count ?? 1;
    } catch {
      this.repairs++;
    }
  }
}
