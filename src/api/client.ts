// Asking a daemon over its unix socket: one request a connection, bounded in time and size, the answer checked.
// Which daemons there are is find-sockets.ts, how an answer is fetched call.ts; what it is printed as is the command's.

import { isRecord, type JsonRecord } from '../checked-json.js';
import { call, type Answered } from './call.js';
import { isDocument, type DocumentOf } from './documents.js';
import { ApiError } from './errors.js';
import { findSockets } from './find-sockets.js';
import { API_VERSION } from './model.js';

export interface Answer<Path extends string> {
  readonly socket: string;
  readonly document: DocumentOf<Path>;
}

/** Resolves to the document at `path` (docs/api.md). Throws ApiError. */
export async function ask<Path extends string>(socket: string, path: Path): Promise<DocumentOf<Path>> {
  return documentIn(socket, path, await call(socket, { method: 'GET', path }));
}

/** As ask, of a PUT with this body. Throws ApiError. */
export async function put<Path extends string>(
  socket: string,
  path: Path,
  document: DocumentOf<Path>,
): Promise<DocumentOf<Path>> {
  return documentIn(
    socket,
    path,
    await call(socket, { method: 'PUT', path, body: JSON.stringify(document) }),
  );
}

/** Resolves to the text at `path`, whatever its type: `/metrics`, `/readyz`, also where that answers 503. Throws ApiError. */
export async function askText(socket: string, path: string): Promise<string> {
  const answer = await call(socket, { method: 'GET', path });
  if (answer.status !== 200 && answer.status !== 503) throw refusal(socket, answer);
  return answer.body;
}

/**
 * Asks the daemon at the named socket, or all of this host. With `tell` a daemon that fails is told as one line, and the
 * others' answers are returned; without it, and where none answers, the first error is thrown. Throws ApiError.
 */
export async function askAll<Path extends string>(
  named: string | undefined,
  path: Path,
  tell?: (line: string) => void,
): Promise<readonly Answer<Path>[]> {
  const sockets = await findSockets(named);
  const results = await Promise.allSettled(sockets.map((socket) => ask(socket, path)));
  const answers: Answer<Path>[] = [];
  const failures: ApiError[] = [];
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') answers.push({ socket: sockets[index] ?? '', document: result.value });
    else if (result.reason instanceof ApiError) failures.push(result.reason);
    else throw result.reason;
  }
  const [first] = failures;
  if (first === undefined) return answers;
  if (answers.length === 0 || tell === undefined) throw first;
  for (const { message } of failures) tell(message);
  return answers;
}

function documentIn<Path extends string>(socket: string, path: Path, answer: Answered): DocumentOf<Path> {
  if (answer.status !== 200) throw refusal(socket, answer);
  const value = parsed(answer.body);
  if (path === '/v1/status' && isRecord(value)) checkVersion(socket, value);
  if (isDocument(path, value)) return value;
  throw new ApiError(
    'bad-answer',
    `what ${socket} answers to ${path} is no document of flanneld's; what listens there?`,
  );
}

function checkVersion(socket: string, { apiVersion, version }: JsonRecord): void {
  if (apiVersion === API_VERSION) return;
  const itself = typeof version === 'string' ? ` (${version.slice(0, 40)})` : '';
  if (typeof apiVersion === 'number' && apiVersion > API_VERSION)
    throw new ApiError(
      'daemon-too-new',
      `flanneld at ${socket}${itself} is newer than this command; use the command it was installed with`,
    );
  throw tooOld(socket, itself);
}

/** What an answer means that is not the document that was asked for. */
export function refusal(socket: string, { status, body }: Answered): ApiError {
  const error = errorIn(parsed(body));
  if (error === undefined || error.code === 'no-such-route') {
    if (status === 404) return tooOld(socket, '');
    return new ApiError(
      'bad-answer',
      `${socket} answers with HTTP status ${status} and no reason; what listens there?`,
    );
  }
  return new ApiError('refused', `flanneld at ${socket}: ${error.message}`);
}

function tooOld(socket: string, itself: string): ApiError {
  const message = `flanneld at ${socket}${itself} is older than this command and cannot answer it; restart it: systemctl restart flanneld`;
  return new ApiError('daemon-too-old', message);
}

function errorIn(value: unknown): { readonly code: string; readonly message: string } | undefined {
  const error = isRecord(value) ? value['error'] : undefined;
  if (!isRecord(error)) return undefined;
  const { code, message } = error;
  return typeof code === 'string' && typeof message === 'string'
    ? { code, message: line(message) }
    : undefined;
}

function line(text: string): string {
  return text.slice(0, 1_000).replace(/[\p{C}\p{Z}]+/gu, ' ');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
