// A program of its own, run in a pod: answers probes with its name, and probes others without end, all of them in one
// turn every interval. Told of its targets by JSON lines on standard input, tells of every probe's fate in JSON lines;
// ends with its input, or after the last words when told to finish. It judges nothing.
//
// A probe is `? <sequence>`; its answer is `! <sequence> <name of who answers>`.

import { createSocket, type Socket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { monotonic } from './monotonic.js';

/** What the program reads. */
export interface ProbeOrder {
  /** Name and address of each pod to probe from now on. */
  readonly targets?: readonly (readonly [string, string])[];
  /** Send no more, wait for what is on its way for that many milliseconds, and end. */
  readonly finishMs?: number;
}

/** The fate of one probe. Times are CLOCK_MONOTONIC, in milliseconds. */
export interface ProbeResult {
  readonly to: string;
  readonly address: string;
  readonly sentAt: number;
  /** Both absent when nothing came within the deadline. */
  readonly answeredAt?: number;
  readonly answeredBy?: string;
  /** Why it could not even be sent. */
  readonly error?: string;
}

/** A later answer is none. Long, because on a busy machine it is the prober that is late. */
const DEADLINE_MS = 5000;
const REPORT_MS = 250;

interface Pending {
  readonly to: string;
  readonly address: string;
  readonly sentAt: number;
}

class EchoProbe {
  readonly #name: string;
  readonly #port: number;
  readonly #asking: Socket = createSocket('udp4');
  readonly #pending = new Map<number, Pending>();
  #targets: readonly (readonly [string, string])[] = [];
  #results: ProbeResult[] = [];
  #sequence = 0;

  constructor(name: string, port: number) {
    this.#name = name;
    this.#port = port;
    this.#asking.on('message', (message, { address }) => {
      this.#answered(message.toString('latin1'), address);
    });
    const answering = createSocket('udp4');
    answering.on('message', (message, { port: to, address }) => {
      const [mark, sequence] = message.toString('latin1').split(' ');
      if (mark === '?') answering.send(`! ${sequence ?? ''} ${this.#name}`, to, address, () => undefined);
    });
    answering.bind(port);
  }

  start(intervalMs: number): { readonly finish: (ms: number) => void } {
    const turns = setInterval(() => {
      for (const [to, address] of this.#targets) this.#ask(to, address);
    }, intervalMs);
    setInterval(() => {
      this.#expire();
      this.#report();
    }, REPORT_MS);
    return {
      finish: (ms) => {
        clearInterval(turns);
        setTimeout(() => {
          this.#report();
          process.stdout.write('', () => process.exit(0));
        }, ms);
      },
    };
  }

  aim(targets: readonly (readonly [string, string])[]): void {
    this.#targets = targets;
  }

  #ask(to: string, address: string): void {
    const sequence = this.#sequence++;
    const probe = { to, address, sentAt: monotonic() };
    this.#pending.set(sequence, probe);
    this.#asking.send(`? ${sequence}`, this.#port, address, (error) => {
      if (error === null || !this.#pending.delete(sequence)) return;
      this.#results.push({ ...probe, error: (error as NodeJS.ErrnoException).code ?? error.message });
    });
  }

  #answered(text: string, from: string): void {
    const [mark, sequence, answeredBy = ''] = text.split(' ');
    const probe = this.#pending.get(Number(sequence));
    if (mark !== '!' || probe?.address !== from) return;
    this.#pending.delete(Number(sequence));
    this.#results.push({ ...probe, answeredAt: monotonic(), answeredBy });
  }

  #expire(): void {
    const before = monotonic() - DEADLINE_MS;
    for (const [sequence, probe] of this.#pending) {
      if (probe.sentAt > before) return;
      this.#pending.delete(sequence);
      this.#results.push(probe);
    }
  }

  #report(): void {
    if (this.#results.length === 0) return;
    process.stdout.write(JSON.stringify(this.#results) + '\n');
    this.#results = [];
  }
}

/** Serves until standard input ends. */
async function serve(name: string, port: number, intervalMs: number): Promise<void> {
  const probe = new EchoProbe(name, port);
  const { finish } = probe.start(intervalMs);
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as ProbeOrder;
    if (order.targets !== undefined) probe.aim(order.targets);
    if (order.finishMs !== undefined) finish(order.finishMs);
  }
  process.exit(0);
}

if (process.argv[1] === import.meta.filename) {
  const [name = '', port = '', intervalMs = ''] = process.argv.slice(2);
  await serve(name, Number(port), Number(intervalMs));
}
