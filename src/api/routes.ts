// THE table of the local API's routes: one row a path. A question and the view → what to answer; it knows no connection.
// How that is sent is server.ts; docs/api.md tells the paths to users.

import { isCount, parseRecord } from '../checked-json.js';
import type { Reply } from '../health/bounded-http.js';
import type { Heartbeats } from '../health/heartbeats.js';
import { respond } from '../health/responses.js';
import { documentReply, errorReply, textReply } from './replies.js';
import type { DaemonView } from './view.js';

export interface Question {
  readonly method: string;
  /** As in the request's first line. */
  readonly target: string;
  readonly accept: string;
  readonly contentType: string;
  /** Of a PUT, whole. */
  readonly body: string;
}

/** `events`: not one document but all that is told after `since`, or from now on. */
export type Answer = Reply | { readonly events: { readonly since: number | undefined } };

export interface RouteParts {
  readonly view: DaemonView;
  /** The text of /metrics; without it there is no such route. */
  readonly metrics?: (() => Promise<string>) | undefined;
  /** For /healthz; without them whoever answers is alive. */
  readonly heartbeats?: Pick<Heartbeats, 'stuck'> | undefined;
  /** Whether something may be changed: on the unix socket, and nowhere else. */
  readonly writable: boolean;
}

interface Asked extends Question {
  readonly network: string;
  readonly query: URLSearchParams;
}

type Handler = (asked: Asked, parts: RouteParts) => Answer | Promise<Answer>;

interface Route {
  readonly path: RegExp;
  /** What it answers with, for those who say what they accept. */
  readonly type: 'application/json' | 'application/x-ndjson' | 'text/plain';
  readonly get: Handler;
  readonly put?: Handler;
}

const JSON_TYPE = 'application/json';
const MOST_LEVEL = 10;

const ROUTES: readonly Route[] = [
  document(/^\/v1\/status$/, (view) => view.status()),
  document(/^\/v1\/options$/, (view) => view.options()),
  document(/^\/v1\/counters$/, (view) => view.counters()),
  ofNetwork('peers', (view, network) => {
    const peers = view.peers(network);
    return peers === undefined ? undefined : { network, peers };
  }),
  ofNetwork('leases', (view, network) => {
    const leases = view.leases(network);
    return leases === undefined ? undefined : { network, leases };
  }),
  ofNetwork('wanted', (view, network) => view.wanted(network)),
  {
    path: /^\/v1\/log-level$/,
    type: JSON_TYPE,
    get: (_, { view }) => documentReply({ level: view.logLevel() }),
    put: setLogLevel,
  },
  { path: /^\/v1\/events$/, type: 'application/x-ndjson', get: events },
  {
    path: /^\/metrics$/,
    type: 'text/plain',
    get: async (_, { metrics }) => (metrics === undefined ? noSuchRoute() : textReply(await metrics())),
  },
  {
    path: /^\/(?:healthz|readyz)$/,
    type: 'text/plain',
    get: ({ method, target }, { view, heartbeats }) =>
      respond(method, target, { report: () => view.health() }, heartbeats),
  },
];

/** Whether the body of this request is to be read: it is a PUT to something that can be put, in JSON. */
export function wantsBody(question: Omit<Question, 'body'>, parts: RouteParts): boolean {
  return 'put' in chosen(question, parts);
}

/** Rejects only with what the view throws, which is a fault of ours. */
export async function answer(question: Question, parts: RouteParts): Promise<Answer> {
  const way = chosen(question, parts);
  return 'refusal' in way ? way.refusal : way.handler({ ...question, ...way.where }, parts);
}

type Way =
  | { readonly refusal: Reply }
  | {
      readonly handler: Handler;
      readonly where: Pick<Asked, 'network' | 'query'>;
      readonly put?: true;
    };

function chosen(question: Omit<Question, 'body'>, { writable }: RouteParts): Way {
  const { method, accept, contentType } = question;
  const [, path = '', query = ''] =
    /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)(?:\?([^#]*))?/i.exec(question.target) ?? [];
  for (const route of ROUTES) {
    const match = route.path.exec(path);
    if (match === null) continue;
    const network = decoded(match[1] ?? '');
    if (network === undefined) break;
    const where = { network, query: new URLSearchParams(query) };
    if (method === 'GET' || method === 'HEAD')
      return accepts(accept, route.type)
        ? { handler: route.get, where }
        : { refusal: notAcceptable(route.type) };
    const { put } = route;
    if (method !== 'PUT' || put === undefined || !writable)
      return { refusal: methodNotAllowed(route, writable) };
    if (!isJson(contentType)) return { refusal: wrongType() };
    return { handler: put, where, put: true };
  }
  return { refusal: noSuchRoute() };
}

function document(path: RegExp, read: (view: DaemonView) => unknown): Route {
  return { path, type: JSON_TYPE, get: (_, { view }) => documentReply(read(view)) };
}

function ofNetwork(what: string, read: (view: DaemonView, network: string) => unknown): Route {
  return {
    path: new RegExp(`^/v1/networks/([^/]{1,300})/${what}$`),
    type: JSON_TYPE,
    get: ({ network }, { view }) => {
      const found = read(view, network);
      return found === undefined ? noSuchNetwork(network, view) : documentReply(found);
    },
  };
}

function events({ query, method }: Asked): Answer {
  const since = query.get('since');
  if (since !== null && !/^\d{1,15}$/.test(since))
    return errorReply(400, 'bad-request', 'since is the number of an event, 0 for all that are kept');
  if (method === 'HEAD')
    return { status: 200, headers: { 'Content-Type': 'application/x-ndjson' }, body: '' };
  return { events: { since: since === null ? undefined : Number(since) } };
}

function setLogLevel({ body }: Asked, { view }: RouteParts): Answer {
  const level = parseRecord(body)?.['level'];
  if (!isCount(level) || level > MOST_LEVEL)
    return errorReply(400, 'bad-request', `the body is {"level": N} with N from 0 to ${MOST_LEVEL}`);
  view.setLogLevel(level);
  return documentReply({ level: view.logLevel() });
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** No header means anything. Weights are not looked at: there is one type to choose. */
function accepts(header: string, type: Route['type']): boolean {
  if (header === '' || type === 'text/plain') return true;
  const [major = ''] = type.split('/');
  const wanted = header.split(',').map((part) => (part.split(';')[0] ?? '').trim().toLowerCase());
  return [type, `${major}/*`, '*/*'].some((fit) => wanted.includes(fit));
}

function isJson(contentType: string): boolean {
  return /^application\/json\s*(?:;|$)/i.test(contentType);
}

function noSuchRoute(): Reply {
  return errorReply(404, 'no-such-route', 'there is no such path; docs/api.md lists them');
}

function noSuchNetwork(network: string, view: DaemonView): Reply {
  const names = view.status().networks.map(({ name }) => name);
  const there = names.length === 0 ? 'there is none yet' : `there is ${names.slice(0, 20).join(', ')}`;
  return errorReply(404, 'no-such-network', `no network ${JSON.stringify(network.slice(0, 100))}: ${there}`);
}

function notAcceptable(type: string): Reply {
  return errorReply(406, 'not-acceptable', `this path answers with ${type}`);
}

function methodNotAllowed({ put }: Route, writable: boolean): Reply {
  const allow = put !== undefined && writable ? 'GET, HEAD, PUT' : 'GET, HEAD';
  const only = put !== undefined && !writable ? '; what changes something is for the unix socket alone' : '';
  return errorReply(405, 'method-not-allowed', `this path takes ${allow}${only}`, { Allow: allow });
}

function wrongType(): Reply {
  return errorReply(415, 'unsupported-media-type', `send the body as Content-Type: ${JSON_TYPE}`);
}
