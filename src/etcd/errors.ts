// The error of this folder, and how gRPC statuses and connection failures become one.
// Callers branch on `code`; the texts of etcd and Node are recognised here and nowhere else.

/**
 * Why a call to etcd did not succeed.
 * - `unreachable`: no connection; the request was not sent.
 * - `wrong-protocol`: something answers at the endpoint, but it does not speak etcd v3.
 * - `tls`: the TLS handshake failed, or certificate files cannot be used.
 * - `deadline`: no answer in time; whether the request was carried out is unknown.
 * - `interrupted`: the connection broke under the request; whether it was carried out is unknown.
 * - `busy`: etcd refused for now: no leader, too many requests, its own time-out.
 * - `unauthenticated`: user or password wrong, or none given where one is needed.
 * - `permission-denied`: the user lacks a permission.
 * - `too-large`: the request or the answer exceeds a size limit.
 * - `no-space`: the store is full.
 * - `lease-not-found`: the etcd lease has expired or was revoked.
 * - `compacted`: the revision asked for is no longer kept.
 * - `closed`: this client was closed.
 * - `refused`: any other refusal; `message` has etcd's words.
 */
export type EtcdErrorCode =
  | 'unreachable'
  | 'wrong-protocol'
  | 'tls'
  | 'deadline'
  | 'interrupted'
  | 'busy'
  | 'unauthenticated'
  | 'permission-denied'
  | 'too-large'
  | 'no-space'
  | 'lease-not-found'
  | 'compacted'
  | 'closed'
  | 'refused';

const REMEDIES: Readonly<Record<EtcdErrorCode, string>> = {
  unreachable: 'check that etcd runs there and that address, port and firewall are right',
  'wrong-protocol': 'check the port, and whether the endpoint needs https:// instead of http://',
  tls: 'check the CA, the certificate with its key, and the name in the endpoint',
  deadline: 'check whether etcd is overloaded, frozen or cut off',
  interrupted: 'check etcd and the network to it',
  busy: 'it is repeated by itself; look at the etcd cluster’s health if it lasts',
  unauthenticated: 'check the etcd user name and password',
  'permission-denied': 'grant the etcd user’s role the permission',
  'too-large': 'look for oversized keys below the prefix, or raise etcd’s --max-request-bytes',
  'no-space': 'compact and defragment etcd, then disarm its NOSPACE alarm',
  'lease-not-found': 'ask for a new lease',
  compacted: 'read the current state and go on from there',
  closed: 'none; the client was closed',
  refused: 'see etcd’s own log',
};

/** Codes after which the same call may well succeed later. */
const RETRYABLE: ReadonlySet<EtcdErrorCode> = new Set(['unreachable', 'deadline', 'interrupted', 'busy']);

/** A call to etcd failed. The message names endpoint, operation, reason and remedy; never a password. */
export class EtcdError extends Error {
  readonly code: EtcdErrorCode;
  readonly operation: string;
  readonly endpoint: string;
  /** The bare reason, for a text that names endpoint and remedy itself. */
  readonly reason: string;
  /** Whether the same call may succeed later; says nothing about whether it was carried out. */
  readonly retryable: boolean;

  constructor(
    code: EtcdErrorCode,
    operation: string,
    endpoint: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    const [asked, why] = [oneLine(operation), oneLine(reason)];
    super(`etcd ${endpoint}: ${asked}: ${why}; ${REMEDIES[code]}`, options);
    this.name = 'EtcdError';
    this.code = code;
    this.operation = asked;
    this.endpoint = endpoint;
    this.reason = why;
    this.retryable = RETRYABLE.has(code);
  }

  get remedy(): string {
    return REMEDIES[this.code];
  }
}

const LONGEST_TEXT = 300;

/** Keys and the server's words, fit for a log line, whatever the server is. */
function oneLine(text: string): string {
  const line = text.slice(0, LONGEST_TEXT + 1).replace(/[\0-\x1f\x7f]+/g, ' ');
  return line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT)}…` : line;
}

/** The status of a failed gRPC call, as @grpc/grpc-js hands it out. */
export interface GrpcFailure {
  readonly code: number;
  readonly details: string;
}

/** etcd's own texts, which say more than the gRPC code beside them. First match wins. */
const SERVER_TEXTS: readonly (readonly [RegExp, EtcdErrorCode])[] = [
  [/parsing error/, 'wrong-protocol'],
  [/invalid auth token|revision of auth store is old|user name is empty/, 'unauthenticated'],
  [/authentication failed/, 'unauthenticated'],
  [/permission denied/, 'permission-denied'],
  [/requested lease not found/, 'lease-not-found'],
  [/has been compacted/, 'compacted'],
  [/database space exceeded/, 'no-space'],
  [/request is too large|message larger than max/, 'too-large'],
  [/too many requests|no leader|leader changed|request timed out|server stopped|not ready/, 'busy'],
  // A time-out of etcd's own, or of ours that it heard of first, with the code of an unknown error.
  [/context deadline exceeded/, 'deadline'],
  [/raft proposal dropped|not capable|not supported for learner|unhealthy cluster/, 'busy'],
];

/** gRPC status codes; https://grpc.io/docs/guides/status-codes/ */
const STATUS_CODES: Readonly<Record<number, EtcdErrorCode>> = {
  // CANCELLED, and not by us: a member that has lost its leader gives up its streams.
  1: 'busy',
  4: 'deadline',
  7: 'permission-denied',
  8: 'too-large',
  12: 'wrong-protocol',
  // INTERNAL: HTTP/2 was spoken, but not gRPC, or a frame was broken.
  13: 'interrupted',
  14: 'interrupted',
  16: 'unauthenticated',
};

/** What the status of a call that was sent means. */
export function codeOfStatus(failure: GrpcFailure): EtcdErrorCode {
  const known = SERVER_TEXTS.find(([pattern]) => pattern.test(failure.details));
  return known?.[1] ?? STATUS_CODES[failure.code] ?? 'refused';
}

/** A member that is being stopped refuses streams (RFC 9113, 8.7: untouched); the rest are etcd's own checks and raft's. */
const TURNED_AWAY =
  /^Stream refused by server|no leader$|too many requests|not capable|not supported for learner|raft proposal dropped/;

/** Whether the request was turned away before it came near the store, so that asking again cannot do it twice. */
export function turnedAway(failure: GrpcFailure): boolean {
  return TURNED_AWAY.test(failure.details);
}

/** Whether user and password were checked and found wrong. */
export function isWrongPassword(failure: GrpcFailure): boolean {
  return /authentication failed/.test(failure.details);
}

/** Whether the failure is cured by authenticating (again). Such a request was not carried out. */
export function needsNewToken(failure: GrpcFailure): boolean {
  if (isWrongPassword(failure)) return false;
  return (
    failure.code === 16 ||
    /invalid auth token|revision of auth store is old|user name is empty/.test(failure.details)
  );
}

const CONNECT_TEXTS: readonly (readonly [RegExp, EtcdErrorCode])[] = [
  [/ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ECONNRESET|ENOENT/, 'unreachable'],
  [/^TLS: |certificate|SSL/, 'tls'],
  [/protocol error|ERR_HTTP2|Parse Error/i, 'wrong-protocol'],
];

/** What a failed attempt to connect means; `text` is Node's or grpc-js's. */
export function codeOfConnectFailure(text: string): EtcdErrorCode {
  return CONNECT_TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? 'unreachable';
}
