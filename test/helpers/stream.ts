// A stream of numbered datagrams between two places of a lab, a millisecond apart, every one of which is counted at the
// other end (test/fixtures/stream/stream.c).

import type { Namespace } from '../../src/lab/namespace.js';
import type { LabProcess } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';

const PORT = '7788';
const PACE_US = '1000';

export interface StreamReport {
  readonly sent: number;
  /** Those that the sender's own kernel refused: lost like the others. */
  readonly refused: number;
  readonly ms: number;
  readonly received: number;
  readonly twice: number;
  /** The numbers of the first that did not arrive. */
  readonly missing: readonly number[];
  readonly lost: number;
  /** The longest time between two that were sent, and between two that arrived. */
  readonly longestGapMs: { readonly sent: number; readonly received: number };
}

export class Stream {
  readonly #sender: LabProcess;
  readonly #receiver: LabProcess;
  readonly #begun = performance.now();

  private constructor(sender: LabProcess, receiver: LabProcess) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** Starts it; `program` is the compiled one. */
  static async start(program: string, from: Namespace, to: Namespace, address: string): Promise<Stream> {
    const receiver = to.spawn(program, ['receive', PORT]);
    await until(() => receiver.output.text().includes('listening'), {
      what: `the receiver of a stream in ${to.name}`,
      state: () => receiver.output.text(),
    });
    return new Stream(from.spawn(program, ['send', address, PORT, PACE_US]), receiver);
  }

  /** How long it has run, milliseconds: as many datagrams as that have been sent. */
  get ageMs(): number {
    return performance.now() - this.#begun;
  }

  /** Ends it, waits for what is under way, and counts. */
  async stop(): Promise<StreamReport> {
    this.#sender.endInput();
    await this.#sender.exited;
    this.#receiver.endInput();
    await this.#receiver.exited;
    const sender = lastLine(this.#sender) as Pick<StreamReport, 'sent' | 'refused' | 'ms'> & Gap;
    const receiver = lastLine(this.#receiver) as Pick<StreamReport, 'received' | 'twice' | 'missing'> & Gap;
    return {
      ...sender,
      ...receiver,
      lost: sender.sent - receiver.received,
      longestGapMs: { sent: sender.longestGapMs, received: receiver.longestGapMs },
    };
  }
}

interface Gap {
  readonly longestGapMs: number;
}

function lastLine({ output }: LabProcess): unknown {
  return JSON.parse(output.text().trim().split('\n').at(-1) ?? '');
}
