// `flanneld watch`: what happens on this host's networks, line by line, as long as it is let.
// A daemon that ends is waited for; the line that says so goes to stderr.

import { basename } from 'node:path';
import { ask } from '../api/client.js';
import { ApiError } from '../api/errors.js';
import { findSockets } from '../api/find-sockets.js';
import { follow } from '../api/follow.js';
import type { DaemonDocument, EventDocument } from '../api/model.js';
import { sleep, systemClock } from '../clock.js';
import type { CommandArguments, CommandIo } from './command.js';
import { CommandError } from './errors.js';
import { EXIT } from './exit-codes.js';
import { lookOf, shaded, type Shade } from './table.js';

/** Between two looks whether a daemon is back. */
const RETRY_MS = 500;

const SHADES: Readonly<Record<string, Shade>> = {
  health: 'warn',
  repair: 'warn',
  lost: 'bad',
  daemon: 'bold',
};

/** Resolves to 0 when it is interrupted. Throws ApiError when a daemon cannot be asked at all, CommandError. */
export async function watch(args: CommandArguments, io: CommandIo): Promise<number> {
  const since = sinceIn(args['since'] as string | undefined);
  const sockets = await findSockets(args['socket'] as string | undefined);
  const lives = await Promise.all(sockets.map((socket) => lifeAt(socket)));
  const signal = io.interrupted?.() ?? new AbortController().signal;
  const several = sockets.length > 1;
  await Promise.all(
    sockets.map((socket, index) =>
      watchOne(
        socket,
        { since, life: lives[index] ?? '', signal },
        {
          event: (event) => {
            if (isWanted(event, args['network'] as string | undefined))
              io.out(args['json'] === true ? jsonLine(socket, event) : textLine(socket, event, io, several));
          },
          tell: (line) => {
            io.err(`flanneld: ${line}\n`);
          },
        },
      ),
    ),
  );
  return EXIT.fine;
}

interface Watched {
  readonly since: number | undefined;
  /** Which start of the daemon this is. */
  readonly life: string;
  readonly signal: AbortSignal;
}

interface Heard {
  readonly event: (event: EventDocument) => void;
  readonly tell: (line: string) => void;
}

async function watchOne(
  socket: string,
  { since: first, life: begun, signal }: Watched,
  heard: Heard,
): Promise<void> {
  let [since, life] = [first, begun];
  while (!signal.aborted) {
    try {
      for await (const event of follow(socket, since, signal)) {
        since = event.id;
        heard.event(event);
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      heard.tell(`the daemon at ${socket} has gone; waiting for it`);
    }
    const now = await waitFor(socket, signal);
    if (now === undefined) return;
    heard.tell(`the daemon at ${socket} is back`);
    // Another start counts its events anew, and what it did first is wanted too.
    if (now !== life) since = 0;
    life = now;
  }
}

/** Which start of the daemon answers; undefined when the signal came first. */
async function waitFor(socket: string, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      return await lifeAt(socket);
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
    await sleep(systemClock, RETRY_MS, signal);
  }
  return undefined;
}

async function lifeAt(socket: string): Promise<string> {
  const { pid, startedAt }: DaemonDocument = await ask(socket, '/v1/status');
  return `${pid} ${startedAt}`;
}

/** What a daemon that ends or starts looks like. */
function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 'no-daemon' || error.code === 'no-answer');
}

function sinceIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CommandError(
    'command-usage',
    '--since is the number of an event, 0 for all that the daemon still knows',
  );
}

function isWanted({ type, network }: EventDocument, wanted: string | undefined): boolean {
  return wanted === undefined || network === wanted || type === 'lost';
}

function jsonLine(socket: string, event: EventDocument): string {
  return `${JSON.stringify({ socket, ...event })}\n`;
}

function textLine(socket: string, event: EventDocument, io: CommandIo, several: boolean): string {
  const look = lookOf(io);
  const { at, type, network = '-', text } = event;
  const parts = [
    shaded({ text: `${at.slice(0, 19)}Z`, shade: 'dim' }, look),
    ...(several ? [shaded(basename(socket), look)] : []),
    shaded(network, look).padEnd(12),
    shaded({ text: type, shade: SHADES[type] ?? 'plain' }, look) + ' '.repeat(Math.max(0, 8 - type.length)),
    shaded(text, look),
  ];
  return `${parts.join(' ')}\n`;
}
