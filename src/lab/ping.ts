// Pings, counted exactly: one-off ones, and one that runs until stopped and tells of every loss and gap.
// The tool's own output is the evidence; nothing is inferred from percentages.

import { LabError } from './errors.js';
import type { Namespace } from './namespace.js';
import type { LabProcess } from './processes.js';
import { until } from './until.js';

export interface PingReport {
  readonly sent: number;
  readonly received: number;
  /** Of the first reply. */
  readonly ttl: number | undefined;
  /** Milliseconds, of every reply in order. */
  readonly rtts: readonly number[];
  /** What the tool said, for messages. */
  readonly text: string;
}

export interface PingOptions {
  readonly count?: number;
  /** Payload bytes: 1422 fills 1450 together with 28 bytes of headers. */
  readonly size?: number;
  /** Sets DF and never fragments. */
  readonly dontFragment?: boolean;
  readonly intervalSeconds?: number;
  /** How long to wait for the last reply. */
  readonly waitSeconds?: number;
}

const REPLY = /^(?:\[(\d+\.\d+)\] )?\d+ bytes from \S+: icmp_seq=(\d+) ttl=(\d+)(?: time=([\d.]+) ms)?/;
const SUMMARY = /(\d+) packets transmitted, (\d+) received/;

/** Reads the whole output of one ping run; without a summary line it rejects with BAD_OUTPUT. */
export function parsePing(text: string): PingReport {
  const summary = SUMMARY.exec(text);
  if (summary === null) throw new LabError('BAD_OUTPUT', `ping printed no summary: ${text.trim()}`);
  const replies = text
    .split('\n')
    .map((line) => REPLY.exec(line))
    .filter((match) => match !== null);
  const ttl = replies[0]?.[3];
  return {
    sent: Number(summary[1]),
    received: Number(summary[2]),
    ttl: ttl === undefined ? undefined : Number(ttl),
    rtts: replies.flatMap((match) => (match[4] === undefined ? [] : [Number(match[4])])),
    text,
  };
}

/** Pings `address` from a place and reads the result; no reply is a result, not an error. */
export async function ping(from: Namespace, address: string, options: PingOptions = {}): Promise<PingReport> {
  const args = ['-n', '-c', String(options.count ?? 1), '-W', String(options.waitSeconds ?? 1)];
  if (options.intervalSeconds !== undefined) args.push('-i', String(options.intervalSeconds));
  if (options.size !== undefined) args.push('-s', String(options.size));
  if (options.dontFragment === true) args.push('-M', 'do');
  const result = await from.exec('ping', [...args, address]);
  // A packet over the MTU is refused by our own kernel: no reply line, the reason on stderr.
  return parsePing(result.stdout + result.stderr);
}

export interface PingerReport {
  readonly sent: number;
  readonly received: number;
  /** Requests before the last reply that never got one, and those after it except the one in flight. */
  readonly lost: number;
  /** The longest time between two replies, in milliseconds: how long traffic stood still. */
  readonly longestGapMs: number;
}

/** What of a finished run is worth knowing. `seen`: sequence number → seconds, in order of arrival. */
export function judgePings(sent: number, seen: ReadonlyMap<number, number>): PingerReport {
  let highest = 0;
  let longest = 0;
  let before: number | undefined;
  for (const [sequence, at] of seen) {
    highest = Math.max(highest, sequence);
    if (before !== undefined) longest = Math.max(longest, at - before);
    before = at;
  }
  const unanswered = Math.max(0, sent - highest);
  // At most one request can be on its way at the moment of the stop: the gap between two is over ten round trips.
  const lost = highest - seen.size + Math.max(0, unanswered - 1);
  return { sent, received: seen.size, lost, longestGapMs: Math.round(longest * 1e6) / 1e3 };
}

/**
 * A ping that runs until stopped, by default one every 8 ms (the tool's timer counts in 4 ms steps; asked
 * for 10 it sends every 12 to 16).
 */
export class Pinger {
  readonly #process: LabProcess;
  readonly #seen = new Map<number, number>();

  private constructor(process: LabProcess) {
    this.#process = process;
    process.output.onLine((line) => {
      const match = REPLY.exec(line);
      if (match?.[1] !== undefined) this.#seen.set(Number(match[2]), Number(match[1]));
    });
  }

  /** Starts it; with `waitForReply` (the default) only returns once traffic flows. */
  static async start(
    from: Namespace,
    address: string,
    options: { readonly intervalMs?: number; readonly waitForReply?: boolean } = {},
  ): Promise<Pinger> {
    const interval = String((options.intervalMs ?? 8) / 1000);
    const pinger = new Pinger(from.spawn('ping', ['-n', '-D', '-i', interval, address]));
    if (options.waitForReply !== false) {
      await until(() => pinger.received > 0, {
        what: `the first reply from ${address} to ${from.name}`,
        state: () => pinger.#process.output.text(),
      });
    }
    return pinger;
  }

  /** Replies so far. */
  get received(): number {
    return this.#seen.size;
  }

  /** Waits until `count` more replies have come than at the time of the call. */
  async more(count: number, timeoutMs = 10_000): Promise<void> {
    const goal = this.received + count;
    await until(() => this.received >= goal, {
      what: `${count} more ping replies`,
      timeoutMs,
      state: () => ({ received: this.received, goal }),
    });
  }

  /** Ends it and counts. */
  async stop(): Promise<PingerReport> {
    await this.#process.stop('SIGINT');
    const summary = SUMMARY.exec(this.#process.output.text());
    if (summary === null) {
      throw new LabError('BAD_OUTPUT', `ping printed no summary: ${this.#process.output.text()}`);
    }
    return judgePings(Number(summary[1]), this.#seen);
  }
}
