// Reads and writes an etcd through its JSON gateway, from inside the wire. Independent of the daemon's own
// client on purpose: what a test puts must not be put by the code under test.

import { LabError } from './errors.js';
import { NamespaceHttp } from './http-client.js';
import type { RelayAnswer, RelayRequest } from './http-relay.js';
import type { Namespace } from './namespace.js';

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString();

export interface StoredKey {
  readonly key: string;
  readonly value: string;
  /** The etcd lease the key is bound to; '0' for none. */
  readonly lease: string;
  readonly modRevision: string;
}

export interface PutOptions {
  readonly lease?: string;
}

/** Wall-clock milliseconds around a write. */
export interface WriteTimes {
  readonly startedAt: number;
  readonly endedAt: number;
}

interface GatewayKey {
  readonly key: string;
  readonly value?: string;
  readonly lease?: string;
  readonly mod_revision: string;
}

export class EtcdStore {
  readonly #http: NamespaceHttp;
  readonly #endpoint: string;

  constructor(namespace: Namespace, endpoint: string) {
    this.#http = new NamespaceHttp(namespace);
    this.#endpoint = endpoint;
  }

  async put(key: string, value: string, options: PutOptions = {}): Promise<WriteTimes> {
    return this.#send([this.#post('kv/put', putBody(key, value, options))]);
  }

  /** All of them, in transactions of `perTransaction`, one after another. Times: of the first and the last. */
  async putMany(
    entries: readonly (readonly [string, string])[],
    perTransaction: number,
    options: PutOptions = {},
  ): Promise<WriteTimes> {
    const requests: RelayRequest[] = [];
    for (let at = 0; at < entries.length; at += perTransaction) {
      const success = entries
        .slice(at, at + perTransaction)
        .map(([key, value]) => ({ request_put: putBody(key, value, options) }));
      requests.push(this.#post('kv/txn', { success }));
    }
    return this.#send(requests);
  }

  async delete(key: string): Promise<WriteTimes> {
    return this.#send([this.#post('kv/deleterange', { key: encode(key) })]);
  }

  /** Everything below a prefix. */
  async deletePrefix(prefix: string): Promise<WriteTimes> {
    return this.#send([this.#post('kv/deleterange', range(prefix))]);
  }

  async get(key: string): Promise<StoredKey | undefined> {
    return (await this.#range({ key: encode(key) }))[0];
  }

  async list(prefix: string): Promise<StoredKey[]> {
    return this.#range(range(prefix));
  }

  /** A new etcd lease; its id. */
  async grant(ttlSeconds: number): Promise<string> {
    const answer = await this.#send([this.#post('lease/grant', { TTL: ttlSeconds })]);
    return (parse(answer) as { readonly ID: string }).ID;
  }

  /** The remaining and the granted time of a lease, in seconds; -1 once it is gone. */
  async timeToLive(lease: string): Promise<{ readonly ttl: number; readonly granted: number }> {
    const answer = await this.#send([this.#post('lease/timetolive', { ID: lease })]);
    const body = parse(answer) as { readonly TTL?: string; readonly grantedTTL?: string };
    return { ttl: Number(body.TTL ?? 0), granted: Number(body.grantedTTL ?? 0) };
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  #post(path: string, body: unknown): RelayRequest {
    return { url: `${this.#endpoint}/v3/${path}`, method: 'POST', body: JSON.stringify(body) };
  }

  async #range(body: Readonly<Record<string, unknown>>): Promise<StoredKey[]> {
    const answer = await this.#send([this.#post('kv/range', body)]);
    const { kvs = [] } = parse(answer) as { readonly kvs?: readonly GatewayKey[] };
    return kvs.map((kv) => ({
      key: decode(kv.key),
      value: decode(kv.value ?? ''),
      lease: kv.lease ?? '0',
      modRevision: kv.mod_revision,
    }));
  }

  async #send(requests: readonly RelayRequest[]): Promise<RelayAnswer> {
    const answer = await this.#http.send(requests);
    const bad = answer.responses.find(({ status }) => status !== 200);
    if (bad !== undefined) {
      throw new LabError('COMMAND_FAILED', `etcd answered ${bad.status}: ${bad.body.slice(0, 300)}`);
    }
    return answer;
  }
}

function putBody(key: string, value: string, options: PutOptions): Readonly<Record<string, unknown>> {
  return {
    key: encode(key),
    value: encode(value),
    ...(options.lease === undefined ? {} : { lease: options.lease }),
  };
}

/** Every key that starts with `prefix`. The prefixes here end in plain ASCII, so the last byte can be counted up. */
function range(prefix: string): Readonly<Record<string, unknown>> {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return { key: encode(prefix), range_end: end.toString('base64') };
}

function parse(answer: RelayAnswer): unknown {
  return JSON.parse(answer.responses[0]?.body ?? 'null');
}
