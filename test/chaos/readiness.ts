// Asks a host's daemon at its health listener, from inside the host, twice a second. Judges nothing.

import { NamespaceHttp } from '../../src/lab/http-client.js';
import { monotonic } from '../../src/lab/monotonic.js';
import type { Namespace } from '../../src/lab/namespace.js';
import { pause } from './pause.js';
import type { Answer } from './readiness-judge.js';

export const HEALTH_PORT = 8290;
const ASK_MS = 500;
const TIMEOUT_MS = 1500;
const URL = `http://127.0.0.1:${HEALTH_PORT}/readyz`;

export class Readiness {
  readonly #http: NamespaceHttp;
  readonly #onAnswer: (askedAt: number, answer: Answer) => void;
  #closed = false;
  #last: Answer = { status: undefined, body: '' };

  /** Begins at once, and asks until it is closed. */
  constructor(host: Namespace, onAnswer: (askedAt: number, answer: Answer) => void) {
    this.#http = new NamespaceHttp(host);
    this.#onAnswer = onAnswer;
    void this.#run();
  }

  get last(): Answer {
    return this.#last;
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed()) {
      const askedAt = monotonic();
      this.#last = await this.#ask();
      if (!this.#isClosed()) this.#onAnswer(askedAt, this.#last);
      await pause(ASK_MS);
    }
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  /** Nobody answers while the daemon is away or frozen: that is an answer too. */
  async #ask(): Promise<Answer> {
    try {
      const { responses } = await this.#http.send([{ url: URL, method: 'GET', timeoutMs: TIMEOUT_MS }]);
      return { status: responses[0]?.status, body: responses[0]?.body ?? '' };
    } catch {
      return { status: undefined, body: '' };
    }
  }
}
