// A local API of a fake daemon, on a unix socket in a folder of its own and on a free port, for one test.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { openApi, type Api, type ApiOptions } from '../../src/api/open.js';
import type { Lock } from '../../src/api/sockets.js';
import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { freePorts } from '../../src/lab/ports.js';
import { lockFile } from '../../src/native.js';
import { FakeDaemonView } from '../fakes/daemon-view.js';
import { RecordingLogger } from './recording-logger.js';
import { tempFolder } from './temp-folder.js';

const lock: Lock = (path) => lockFile(path, `${process.pid}\n`);

export interface ApiWorld {
  readonly api: Api;
  readonly folder: string;
  readonly view: FakeDaemonView;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
}

export interface ApiWorldOptions extends Partial<ApiOptions> {
  readonly folder?: string;
  readonly metrics?: () => Promise<string>;
  /** Done to the daemon before anybody can ask it. */
  readonly before?: (view: FakeDaemonView) => void;
  /** Of heartbeats and deadlines; limits of connections are the machine's. */
  readonly after?: (ms: number, callback: () => void) => () => void;
}

export async function apiWorld(t: ExecutionContext, options: ApiWorldOptions = {}): Promise<ApiWorld> {
  const folder = options.folder ?? (await tempFolder(t));
  const [view, logger, counters] = [new FakeDaemonView(), new RecordingLogger(), new Counters()];
  options.before?.(view);
  const api = await openApi(
    { socket: join(folder, 'flanneld.sock'), group: '', ip: '127.0.0.1', port: 0, name: 'blue', ...options },
    {
      view,
      logger,
      counters,
      lock,
      clock: { ...systemClock, ...(options.after === undefined ? {} : { after: options.after }) },
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
    },
  );
  t.teardown(() => api.stop());
  return { api, folder, view, logger, counters };
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts('127.0.0.1', 1);
  return port;
}

/** Connected; what goes wrong later shows in what is heard. */
export async function dial(t: ExecutionContext, to: string | number | undefined): Promise<Socket> {
  const socket = typeof to === 'number' ? connect(to, '127.0.0.1') : connect(to ?? '');
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Everything the other side says until it closes. */
export async function heard(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
  return text;
}

/** Sends the bytes as they are, and resolves to all that is answered. */
export async function say(
  t: ExecutionContext,
  to: string | number | undefined,
  bytes: string,
): Promise<string> {
  const socket = await dial(t, to);
  const answer = heard(socket);
  socket.write(bytes, 'latin1');
  return answer;
}

export function request(path: string, method = 'GET', headers: readonly string[] = [], body = ''): string {
  return [`${method} ${path} HTTP/1.1`, 'Host: x', ...headers, '', body].join('\r\n');
}

export const statusOf = (answer: string): string => /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? answer;
export const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4);
