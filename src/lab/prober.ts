// A pod that answers probes with its name and probes other pods without end: one process a pod, whatever the number
// of others (echo-probe.ts is the program). Hands on each probe's fate; what that means is for others to say.

import type { ProbeOrder, ProbeResult } from './echo-probe.js';
import type { Namespace } from './namespace.js';
import type { LabProcess } from './processes.js';

const PROGRAM = `${import.meta.dirname}/echo-probe.js`;
/** The UDP port every prober answers at. */
export const PROBE_PORT = 7777;
const LAST_WORDS_MS = 1000;

export interface ProberOptions {
  /** What it answers with; no blanks. */
  readonly name: string;
  /** Between two probes of the same target. */
  readonly intervalMs: number;
  /** Told of each probe once its fate is known, in no particular order. */
  readonly onResult: (result: ProbeResult) => void;
}

export class Prober {
  readonly #process: LabProcess;

  constructor(place: Namespace, { name, intervalMs, onResult }: ProberOptions) {
    const args = [PROGRAM, name, String(PROBE_PORT), String(intervalMs)];
    this.#process = place.spawn(process.execPath, args, { keepLines: 10 });
    this.#process.output.onLine((line) => {
      if (line.startsWith('[')) for (const result of JSON.parse(line) as ProbeResult[]) onResult(result);
    });
  }

  /** Whom to probe from now on, by name and address. */
  aim(targets: readonly (readonly [string, string])[]): void {
    this.#order({ targets });
  }

  /** Stops asking, waits a second for what is on its way, and ends. What is still out then is not told of. */
  async finish(): Promise<void> {
    this.#order({ finishMs: LAST_WORDS_MS });
    await this.#process.exited;
  }

  #order(order: ProbeOrder): void {
    this.#process.write(JSON.stringify(order) + '\n');
  }
}
