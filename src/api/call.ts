// One HTTP request over a unix socket, bounded in time and size; what goes wrong on the way, as ApiError.
// What the answer means is client.ts.

import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { stat } from 'node:fs/promises';
import { ApiError, noDaemon } from './errors.js';
import { errnoOf } from './liveness.js';

/** A daemon answers from memory; one that takes longer is stuck, or has not begun to listen to us. */
const ANSWER_MS = 5_000;
/** 5,000 peers with everything that is known of them are 3 MB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_HEADER_BYTES = 8_192;

export interface Question {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  readonly timeoutMs?: number;
}

export interface Answered {
  readonly status: number;
  readonly body: string;
}

/** Resolves to the whole answer, whatever its status. Throws ApiError. */
export async function call(socket: string, question: Question): Promise<Answered> {
  const limit = AbortSignal.timeout(question.timeoutMs ?? ANSWER_MS);
  try {
    const response = await send(socket, question, limit);
    const body = await bodyOf(socket, response);
    // Where the end of the connection is that of the body, being cut off looks like an end.
    limit.throwIfAborted();
    return { status: response.statusCode ?? 0, body };
  } catch (error) {
    throw await whatHappened(socket, error);
  }
}

/** Resolves to the head of an answer whose body goes on for ever; the signal ends it. Throws ApiError. */
export async function open(socket: string, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const tooLate = new AbortController();
  const limit = AbortSignal.timeout(ANSWER_MS);
  const late = (): void => {
    tooLate.abort();
  };
  limit.addEventListener('abort', late);
  try {
    return await send(socket, { method: 'GET', path }, AbortSignal.any([signal, tooLate.signal]));
  } catch (error) {
    throw await whatHappened(socket, error);
  } finally {
    limit.removeEventListener('abort', late);
  }
}

/** The body of an answer that ends. */
export async function bodyOf(socket: string, response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) {
      response.destroy();
      throw new ApiError(
        'bad-answer',
        `${socket} answers with more than ${MAX_BODY_BYTES} bytes; what listens there?`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function send(
  socket: string,
  { method, path, body }: Question,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers = {
    Host: 'flanneld',
    Accept: '*/*',
    Connection: 'close',
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }),
  };
  const asked = request({
    socketPath: socket,
    method,
    path,
    headers,
    agent: false,
    signal,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  // An abort after the answer has begun is an error of both; whoever reads hears it there.
  asked.on('error', () => undefined);
  asked.end(body);
  return responseTo(asked);
}

async function responseTo(asked: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

const UNREADABLE = /^HPE_|^ERR_HTTP/;

export async function whatHappened(socket: string, error: unknown): Promise<ApiError> {
  if (error instanceof ApiError) return error;
  const errno = errnoOf(error) ?? '';
  if (errno === 'ENOENT' || errno === 'ECONNREFUSED' || errno === 'ENOTDIR') return noDaemon(socket, error);
  if (errno === 'EACCES' || errno === 'EPERM')
    return new ApiError('not-permitted', await permission(socket), { cause: error });
  if (UNREADABLE.test(errno))
    return new ApiError('bad-answer', `what listens at ${socket} does not speak HTTP`, { cause: error });
  const isLate = error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
  const reason = isLate
    ? `does not answer within ${ANSWER_MS / 1000} s`
    : `hangs up (${errno || String(error)})`;
  const message = `flanneld at ${socket} ${reason}; it may be starting, ending or stuck: systemctl status flanneld`;
  return new ApiError('no-answer', message, { cause: error });
}

/** What would let this user ask: the group of the socket, where it has rights. */
async function permission(socket: string): Promise<string> {
  const status = await stat(socket).catch(() => undefined);
  const byGroup = status !== undefined && (status.mode & 0o060) === 0o060;
  const remedy = byGroup
    ? `run as root, or join the group with the id ${status.gid}`
    : 'run as root, or let flanneld make the socket for a group (-socket-group)';
  return `${socket} is not for this user: ${remedy}`;
}
