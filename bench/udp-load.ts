// The program native/udp_load.c from TypeScript: compiled when needed, its roles started in places of a lab, its JSON
// read. What is done with the figures is others' business.

import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LabError } from '../src/lab/errors.js';
import type { Namespace } from '../src/lab/namespace.js';
import type { LabProcess } from '../src/lab/processes.js';
import { until } from '../src/lab/until.js';
import { inCheckout } from './options.js';

const SOURCE = inCheckout('bench/native/udp_load.c');
const PROGRAM = resolve(import.meta.dirname, 'udp_load');
const FLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror'];
const PORT = '7777';

let built = false;

/** The program's path; compiles it first where it is missing or older than its source. */
function program(): string {
  if (built) return PROGRAM;
  const made = statSync(PROGRAM, { throwIfNoEntry: false });
  if (made === undefined || made.mtimeMs < statSync(SOURCE).mtimeMs) {
    mkdirSync(dirname(PROGRAM), { recursive: true });
    const { status, error, stderr } = spawnSync('cc', [...FLAGS, '-o', PROGRAM, SOURCE], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new LabError('COMMAND_FAILED', `cc ${SOURCE}: ${error?.message ?? stderr}`);
  }
  built = true;
  return PROGRAM;
}

/** The last line of what it printed, as an object of numbers; anything else rejects with BAD_OUTPUT. */
export function parseLoad<K extends string>(text: string, keys: readonly K[]): Readonly<Record<K, number>> {
  const line = text.trim().split('\n').at(-1) ?? '';
  try {
    const parsed = JSON.parse(line) as Readonly<Record<string, unknown>>;
    if (keys.every((key) => typeof parsed[key] === 'number')) return parsed as Readonly<Record<K, number>>;
  } catch {
    // Told below, with what was printed instead.
  }
  throw new LabError('BAD_OUTPUT', `udp_load printed no ${keys.join(', ')}: ${text.slice(-300)}`);
}

function listening(running: LabProcess): Promise<unknown> {
  return until(() => running.output.text().includes('listening'), {
    what: `${running.argv.slice(-3).join(' ')} to listen`,
    state: () => running.output.text(),
  });
}

export interface Flood {
  readonly size: number;
  readonly seconds: number;
  /** Packets per second; 0 for as many as the source can. */
  readonly rate: number;
  /** Packets the source hands over in one system call's message, for the kernel to cut; 1 for single ones. */
  readonly segments: number;
}

export interface Flooded {
  readonly sent: number;
  readonly received: number;
  /** Packets per second, each by the clock of its own side. */
  readonly sentRate: number;
  readonly receivedRate: number;
}

/** Sends packets from one place to another and counts what arrives; waits until nothing more comes. */
export async function flood(
  from: Namespace,
  to: Namespace & { address: string },
  how: Flood,
): Promise<Flooded> {
  const sink = to.spawn(program(), ['sink', PORT]);
  try {
    await listening(sink);
    const args = [how.size, Math.round(how.seconds * 1000), Math.round(how.rate), how.segments].map(String);
    const output = await from.must(program(), ['source', to.address, PORT, ...args]);
    const source = parseLoad(output, ['packets', 'seconds']);
    // What is still in queues comes within this, or never.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sink.stop();
    const { packets, seconds } = parseLoad(sink.output.text(), ['packets', 'seconds']);
    return {
      sent: source.packets,
      received: packets,
      sentRate: source.packets / source.seconds,
      receivedRate: seconds > 0 ? packets / seconds : 0,
    };
  } finally {
    await sink.destroy();
  }
}

/** Microseconds of round trips, one after another; half of them lost or more rejects. */
export async function roundTrips(
  from: Namespace,
  to: Namespace & { address: string },
  { size, count }: { readonly size: number; readonly count: number },
): Promise<{ readonly p50: number; readonly p99: number }> {
  const echo = to.spawn(program(), ['echo', PORT]);
  try {
    await listening(echo);
    const args = ['ask', to.address, PORT, String(size), String(count)];
    const output = await from.must(program(), args, { timeoutMs: 60_000 });
    const { answered, p50, p99 } = parseLoad(output, ['answered', 'p50', 'p99']);
    if (answered * 2 < count)
      throw new LabError('BAD_OUTPUT', `${answered} of ${count} requests were answered`);
    return { p50, p99 };
  } finally {
    await echo.destroy();
  }
}

/** A source that sends small packets at an even rate until it is destroyed. */
export function steadySource(from: Namespace, address: string, perSecond: number): LabProcess {
  return from.spawn(program(), ['source', address, PORT, '16', '3600000', String(perSecond), '1']);
}

export interface FirstArrival {
  listening(): Promise<unknown>;
  /** When the first packet came, in epoch ms; undefined before. */
  at(): number | undefined;
  stop(): Promise<void>;
}

/** Waits at an address and port of `place` for one packet. */
export function firstArrival(place: Namespace, address: string, port: number): FirstArrival {
  const running = place.spawn(program(), ['first', address, String(port)]);
  return {
    listening: () => listening(running),
    at: () => {
      const text = running.output.text();
      return text.includes('"at"') ? parseLoad(text, ['at']).at : undefined;
    },
    stop: () => running.destroy(),
  };
}
