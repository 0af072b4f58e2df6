// The token that stands for user and password. It makes the Authenticate call; when to throw a token away is
// decided where calls fail (call.ts). The password goes into that one request and nowhere else.

import { backoffMs, PASSWORD_BACKOFF } from './backoff.js';
import { failureOf, type EtcdChannel } from './channel.js';
import { isWrongPassword } from './errors.js';
import { LEADER, METHODS } from './methods.js';
import type { EtcdParts } from './parts.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** `none`: etcd has authentication switched off, so there is no token to send. */
type Token = { readonly text: string } | 'none';

/** etcd's word that the password is wrong holds for a while, in which it is not asked again. */
interface Refused {
  readonly error: unknown;
  readonly until: number;
}

/** What a header may hold; anything else gRPC refuses before it sends the call, with the token in its message. */
const SENDABLE = /^[\x20-\x7e]{1,8192}$/;

export class Authenticator {
  readonly #credentials: Credentials | undefined;
  readonly #parts: EtcdParts;
  #token: Promise<Token> | undefined;
  #refused: Refused | undefined;
  #refusals = 0;

  constructor(credentials: Credentials | undefined, parts: EtcdParts) {
    this.#credentials = credentials;
    this.#parts = parts;
  }

  /** Whether throwing the token away and asking again can help. */
  get enabled(): boolean {
    return this.#credentials !== undefined;
  }

  /**
   * The token for a call; undefined without credentials, or when etcd does not ask for them. Calls at the same
   * time share one request. A token holds for every member of the cluster. Rejects with gRPC's ServiceError; after
   * a wrong password with the same one again for up to a minute, because checking a password is what costs etcd most.
   */
  async token(channel: EtcdChannel, timeoutMs: number): Promise<string | undefined> {
    if (this.#credentials === undefined) return undefined;
    if (this.#token === undefined) {
      if (this.#refused !== undefined && this.#parts.clock.monotonic() < this.#refused.until) {
        throw this.#refused.error;
      }
      const token = authenticate(this.#credentials, channel, timeoutMs);
      this.#token = token;
      token.then(
        () => {
          this.retry();
        },
        (error: unknown) => {
          this.#note(error);
          if (this.#token === token) this.#token = undefined;
        },
      );
    }
    const token = await this.#token;
    return token === 'none' ? undefined : token.text;
  }

  /** The password is tried again with the next call, however often it was wrong. */
  retry(): void {
    this.#refused = undefined;
    this.#refusals = 0;
  }

  /** Forgets the token that was refused, unless it has been replaced in the meantime. */
  async forget(refused: string | undefined): Promise<void> {
    const held = this.#token;
    const token = await held?.catch(() => undefined);
    const text = token === undefined || token === 'none' ? undefined : token.text;
    if (this.#token === held && text === refused) this.#token = undefined;
  }

  #note(error: unknown): void {
    const failure = failureOf(error);
    if (failure === undefined || !isWrongPassword(failure)) return;
    const { clock, random } = this.#parts;
    this.#refusals++;
    const until = clock.monotonic() + backoffMs(this.#refusals, PASSWORD_BACKOFF, random);
    this.#refused = { error, until };
  }
}

async function authenticate(
  credentials: Credentials,
  channel: EtcdChannel,
  timeoutMs: number,
): Promise<Token> {
  const { username: name, password } = credentials;
  try {
    const answer = await channel.unary(METHODS.authenticate, { name, password }, LEADER, timeoutMs);
    if (!SENDABLE.test(answer.token)) throw unsendable();
    return { text: answer.token };
  } catch (error) {
    if (/authentication is not enabled/.test(failureOf(error)?.details ?? '')) return 'none';
    throw error;
  }
}

/** In the form of gRPC's own errors: the server broke the protocol, so it is asked again. */
function unsendable(): Error {
  const details = 'it answered with an authentication token that cannot be sent';
  return Object.assign(new Error(details), { code: 13, details });
}
