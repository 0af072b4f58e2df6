// The forms of the API's answers: documents, errors, plain text. Pure.

import type { Reply } from '../health/bounded-http.js';
import type { ErrorDocument } from './model.js';

/** Codes of error documents; programs read them. */
export type ReplyErrorCode =
  | 'bad-request'
  | 'no-such-route'
  | 'no-such-network'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'too-many-readers'
  | 'internal';

export function documentReply(document: unknown, status = 200): Reply {
  return {
    status,
    headers: { 'Content-Type': 'application/json' },
    body: `${JSON.stringify(document)}\n`,
  };
}

/** `message` is one line for people. */
export function errorReply(
  status: number,
  code: ReplyErrorCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const document: ErrorDocument = { error: { code, message } };
  const reply = documentReply(document, status);
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

/** As Prometheus reads it. */
export function textReply(body: string): Reply {
  return { status: 200, headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }, body };
}
