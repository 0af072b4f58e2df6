// A program of its own, run on the wire: follows everything below a prefix of an etcd through the JSON gateway, over
// failures of members, and tells of it in JSON lines: a listing first, then each change in order of revision, none left
// out but by a compaction, which is told as a new listing. Polls beside the watch, so that one that has
// fallen silent is noticed. Ends with its input.

import { request, type IncomingMessage } from 'node:http';
import { monotonic } from './monotonic.js';

export interface FollowedKey {
  readonly key: string;
  readonly value: string;
  /** The etcd lease the key is bound to; '0' for none. */
  readonly lease: string;
  readonly revision: number;
}

/** One line. `at`: CLOCK_MONOTONIC in milliseconds, when it was heard of. */
export type Followed =
  | {
      readonly kind: 'listing';
      readonly at: number;
      readonly revision: number;
      readonly keys: readonly FollowedKey[];
    }
  | { readonly kind: 'put'; readonly at: number; readonly revision: number; readonly key: FollowedKey }
  | { readonly kind: 'delete'; readonly at: number; readonly revision: number; readonly name: string }
  | { readonly kind: 'trouble'; readonly at: number; readonly reason: string };

interface GatewayKey {
  readonly key: string;
  readonly value?: string;
  readonly lease?: string;
  readonly mod_revision?: string;
}

interface WatchAnswer {
  readonly result?: {
    readonly header: { readonly revision: string };
    readonly canceled?: boolean;
    readonly compact_revision?: string;
    readonly events?: readonly { readonly type?: 'DELETE'; readonly kv: GatewayKey }[];
  };
}

const CALL_MS = 2000;
const POLL_MS = 1000;
/** A watch that is that much behind what a poll has shown is dead. */
const BEHIND_MS = 3000;
const PAUSE_MS = 100;

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString();
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function tell(line: Followed): void {
  process.stdout.write(JSON.stringify(line) + '\n');
}

/** Unlike node:readline, hands on the error a stream ends with. */
async function* linesOf(incoming: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of incoming.setEncoding('utf8')) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

function readKey({ key, value, lease, mod_revision }: GatewayKey): FollowedKey {
  return {
    key: decode(key),
    value: decode(value ?? ''),
    lease: lease ?? '0',
    revision: Number(mod_revision ?? 0),
  };
}

class Follower {
  readonly #prefix: string;
  readonly #endpoints: readonly string[];
  #member = 0;
  /** The newest revision told of; undefined before the first listing and after a compaction. */
  #told: number | undefined;

  constructor(prefix: string, endpoints: readonly string[]) {
    this.#prefix = prefix;
    this.#endpoints = endpoints;
  }

  /** For ever: whatever fails is told, and tried again with the next member. */
  async run(): Promise<never> {
    for (;;) {
      try {
        if (this.#told === undefined) await this.#list();
        else await this.#watch(this.#told + 1);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        tell({ kind: 'trouble', at: monotonic(), reason: `${this.#endpoint}: ${reason}` });
        this.#member = (this.#member + 1) % this.#endpoints.length;
        await pause(PAUSE_MS);
      }
    }
  }

  get #endpoint(): string {
    return this.#endpoints[this.#member] ?? '';
  }

  get #range(): { readonly key: string; readonly range_end: string } {
    const end = Buffer.from(this.#prefix);
    end[end.length - 1] = (end.at(-1) ?? 0) + 1;
    return { key: encode(this.#prefix), range_end: end.toString('base64') };
  }

  async #list(): Promise<void> {
    const answer = await this.#ask(this.#range);
    const revision = Number(answer.header.revision);
    tell({ kind: 'listing', at: monotonic(), revision, keys: (answer.kvs ?? []).map(readKey) });
    this.#told = revision;
  }

  async #ask(
    range: unknown,
  ): Promise<{ readonly header: { readonly revision: string }; readonly kvs?: GatewayKey[] }> {
    const incoming = await this.#post('kv/range', range, CALL_MS);
    let body = '';
    for await (const chunk of incoming.setEncoding('utf8')) body += String(chunk);
    if (incoming.statusCode !== 200) throw new Error(`answered ${String(incoming.statusCode)}: ${body}`);
    return JSON.parse(body) as { header: { revision: string }; kvs?: GatewayKey[] };
  }

  /** Until the stream ends; always rejects, or returns when a new listing is needed. */
  async #watch(from: number): Promise<void> {
    const create = { create_request: { ...this.#range, start_revision: String(from) } };
    const incoming = await this.#post('watch', create, CALL_MS);
    const ended = this.#endWhenBehind(incoming);
    try {
      for await (const line of linesOf(incoming)) {
        const { result } = JSON.parse(line) as WatchAnswer;
        if (result === undefined) throw new Error(`the watch ended: ${line.slice(0, 200)}`);
        if (result.compact_revision !== undefined) {
          this.#told = undefined;
          return;
        }
        if (result.canceled === true) throw new Error('the watch was cancelled');
        this.#events(result.events ?? []);
      }
      throw new Error('the watch ended');
    } finally {
      ended();
      incoming.destroy();
    }
  }

  #events(events: readonly { readonly type?: 'DELETE'; readonly kv: GatewayKey }[]): void {
    const at = monotonic();
    for (const { type, kv } of events) {
      const key = readKey(kv);
      const { revision } = key;
      if (type === 'DELETE') tell({ kind: 'delete', at, revision, name: key.key });
      else tell({ kind: 'put', at, revision, key });
      this.#told = revision;
    }
  }

  /** Destroys a stream that stays behind what a poll shows. The returned function ends the polling. */
  #endWhenBehind(incoming: IncomingMessage): () => void {
    let shown = { revision: 0, at: monotonic() };
    const timer = setInterval(() => {
      const now = monotonic();
      const isBehind = shown.revision > (this.#told ?? 0);
      if (isBehind && now - shown.at > BEHIND_MS) {
        incoming.destroy(new Error(`the watch is silent; revision ${shown.revision} was not heard of`));
      }
      this.#ask(this.#range).then(
        // Nobody writes elsewhere in a lab's etcd, so the watch is to see each of its revisions.
        ({ header }) => {
          const newest = Number(header.revision);
          if (newest > shown.revision) shown = { revision: newest, at: monotonic() };
        },
        (error: unknown) => {
          incoming.destroy(error instanceof Error ? error : undefined);
        },
      );
    }, POLL_MS);
    return () => {
      clearInterval(timer);
    };
  }

  #post(path: string, body: unknown, timeoutMs: number): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      // Asks the member to end the stream when it has no leader, rather than to fall silent.
      const headers = { 'Grpc-Metadata-hasleader': 'true' };
      const options = { method: 'POST', agent: false as const, headers };
      const outgoing = request(`${this.#endpoint}/v3/${path}`, options, (incoming) => {
        clearTimeout(timer);
        resolve(incoming);
      });
      const timer = setTimeout(
        () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
      outgoing.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      outgoing.end(JSON.stringify(body));
    });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [prefix = '', ...endpoints] = process.argv.slice(2);
  process.stdin.resume().once('end', () => process.exit(0));
  await new Follower(prefix, endpoints).run();
}
