// Reads and writes an etcd through its JSON gateway, from inside the wire. Independent of the daemon's own
// client on purpose: what a test puts must not be put by the code under test. Of several members it asks the
// one that answered last, then the others.

import { LabError } from './errors.js';
import { NamespaceHttp } from './http-client.js';
import type { RelayAnswer } from './http-relay.js';
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

/** What one member says of its cluster. */
export interface MemberStatus {
  readonly memberId: string;
  /** The member id of the leader; '0' while there is none. */
  readonly leaderId: string;
  readonly revision: string;
}

/** Wall-clock milliseconds around a write. */
export interface WriteTimes {
  readonly startedAt: number;
  readonly endedAt: number;
}

/** A path below the gateway's and what is posted there. */
interface Call {
  readonly path: string;
  readonly body: unknown;
}

/** How long a member of a cluster may take; a lone etcd may take as long as the relay lets it. */
const MEMBER_TIMEOUT_MS = 2000;

interface GatewayKey {
  readonly key: string;
  readonly value?: string;
  readonly lease?: string;
  readonly mod_revision: string;
}

export class EtcdStore {
  readonly #http: NamespaceHttp;
  readonly #endpoints: () => readonly string[];
  readonly #bound: { readonly timeoutMs?: number };
  /** The endpoint that answered last. */
  #good = '';

  /**
   * `from`: the place to ask from, or the way to ask from it that is there already. `endpoints`: the only one, or which
   * of a cluster may be asked just now; one that is frozen had better not, as it would do what is asked when it thaws.
   */
  constructor(from: Namespace | NamespaceHttp, endpoints: string | (() => readonly string[])) {
    this.#http = from instanceof NamespaceHttp ? from : new NamespaceHttp(from);
    this.#endpoints = typeof endpoints === 'string' ? () => [endpoints] : endpoints;
    this.#bound = typeof endpoints === 'string' ? {} : { timeoutMs: MEMBER_TIMEOUT_MS };
  }

  async put(key: string, value: string, options: PutOptions = {}): Promise<WriteTimes> {
    return this.#send([{ path: 'kv/put', body: putBody(key, value, options) }]);
  }

  /** All of them, in transactions of `perTransaction`, one after another. Times: of the first and the last. */
  async putMany(
    entries: readonly (readonly [string, string])[],
    perTransaction: number,
    options: PutOptions = {},
  ): Promise<WriteTimes> {
    const calls: Call[] = [];
    for (let at = 0; at < entries.length; at += perTransaction) {
      const success = entries
        .slice(at, at + perTransaction)
        .map(([key, value]) => ({ request_put: putBody(key, value, options) }));
      calls.push({ path: 'kv/txn', body: { success } });
    }
    return this.#send(calls);
  }

  async delete(key: string): Promise<WriteTimes> {
    return this.#send([{ path: 'kv/deleterange', body: { key: encode(key) } }]);
  }

  /** Puts a key that is not there; false when it is. */
  async create(key: string, value: string, options: PutOptions = {}): Promise<boolean> {
    const absent = { target: 'VERSION', key: encode(key), version: '0' };
    return this.#transact(absent, { request_put: putBody(key, value, options) });
  }

  /** Deletes a key that nobody has written since this revision; false when somebody has. */
  async deleteUnchanged(key: string, modRevision: string): Promise<boolean> {
    const unchanged = { target: 'MOD', key: encode(key), mod_revision: modRevision };
    return this.#transact(unchanged, { request_delete_range: { key: encode(key) } });
  }

  /** Everything below a prefix. */
  async deletePrefix(prefix: string): Promise<WriteTimes> {
    return this.#send([{ path: 'kv/deleterange', body: range(prefix) }]);
  }

  async get(key: string): Promise<StoredKey | undefined> {
    return (await this.#range({ key: encode(key) }))[0];
  }

  async list(prefix: string): Promise<StoredKey[]> {
    return this.#range(range(prefix));
  }

  /** A new etcd lease; its id. */
  async grant(ttlSeconds: number): Promise<string> {
    const answer = await this.#send([{ path: 'lease/grant', body: { TTL: ttlSeconds } }]);
    return (parse(answer) as { readonly ID: string }).ID;
  }

  /** The remaining and the granted time of a lease, in seconds; -1 once it is gone. */
  async timeToLive(lease: string): Promise<{ readonly ttl: number; readonly granted: number }> {
    const answer = await this.#send([{ path: 'lease/timetolive', body: { ID: lease } }]);
    const body = parse(answer) as { readonly TTL?: string; readonly grantedTTL?: string };
    return { ttl: Number(body.TTL ?? 0), granted: Number(body.grantedTTL ?? 0) };
  }

  /** Ends a lease, and every key that is bound to it. */
  async revoke(lease: string): Promise<WriteTimes> {
    return this.#send([{ path: 'lease/revoke', body: { ID: lease } }]);
  }

  /** The revision of the newest change of anything. */
  async revision(): Promise<string> {
    return revisionOf(await this.#send([{ path: 'kv/range', body: { key: encode('/'), count_only: true } }]));
  }

  /** Drops the history before `revision`. */
  async compact(revision: string): Promise<WriteTimes> {
    return this.#send([{ path: 'kv/compaction', body: { revision } }]);
  }

  /** What the first of the endpoints says of its cluster; with several, whichever answers. */
  async status(): Promise<MemberStatus> {
    const answer = await this.#send([{ path: 'maintenance/status', body: {} }]);
    const { leader, header } = parse(answer) as {
      readonly leader?: string;
      readonly header: { readonly member_id: string };
    };
    return { memberId: header.member_id, leaderId: leader ?? '0', revision: revisionOf(answer) };
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #transact(compare: unknown, request: unknown): Promise<boolean> {
    const body = { compare: [compare], success: [request] };
    const answer = await this.#send([{ path: 'kv/txn', body }]);
    return (parse(answer) as { readonly succeeded?: boolean }).succeeded === true;
  }

  async #range(body: Readonly<Record<string, unknown>>): Promise<StoredKey[]> {
    const answer = await this.#send([{ path: 'kv/range', body }]);
    const { kvs = [] } = parse(answer) as { readonly kvs?: readonly GatewayKey[] };
    return kvs.map((kv) => ({
      key: decode(kv.key),
      value: decode(kv.value ?? ''),
      lease: kv.lease ?? '0',
      modRevision: kv.mod_revision,
    }));
  }

  /**
   * Asks the members in turn until one does it. What fails half done is done again from the start: all that is sent
   * here may be repeated.
   */
  async #send(calls: readonly Call[]): Promise<RelayAnswer> {
    const endpoints = this.#endpoints();
    const order = [...new Set([...endpoints.filter((one) => one === this.#good), ...endpoints])];
    for (let tried = 0; ; tried++) {
      const endpoint = order[tried] ?? '';
      try {
        const answer = await this.#sendTo(endpoint, calls);
        this.#good = endpoint;
        return answer;
      } catch (error) {
        if (tried >= order.length - 1) throw error;
      }
    }
  }

  async #sendTo(endpoint: string, calls: readonly Call[]): Promise<RelayAnswer> {
    const answer = await this.#http.send(
      calls.map(({ path, body }) => {
        const url = `${endpoint}/v3/${path}`;
        return { url, method: 'POST' as const, body: JSON.stringify(body), ...this.#bound };
      }),
    );
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

function revisionOf(answer: RelayAnswer): string {
  return (parse(answer) as { readonly header: { readonly revision: string } }).header.revision;
}
