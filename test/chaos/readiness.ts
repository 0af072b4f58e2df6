// What each daemon says of itself at its health listener, asked from inside its host, and whether it may say so: one
// whose lease must have run out is not ready.

import { NamespaceHttp } from '../../src/lab/http-client.js';
import type { Namespace } from '../../src/lab/namespace.js';

export const HEALTH_PORT = 8290;
const ASK_MS = 500;
const TIMEOUT_MS = 1500;

export interface Answer {
  /** The HTTP status; undefined when nobody answered. */
  readonly status: number | undefined;
  readonly body: string;
}

const NOBODY: Answer = { status: undefined, body: '' };

/** Asks a host's daemon twice a second until closed. */
export class Readiness {
  readonly #http: NamespaceHttp;
  readonly #onAnswer: (answer: Answer) => void;
  #last: Answer = NOBODY;
  #closed = false;

  constructor(host: Namespace, onAnswer: (answer: Answer) => void) {
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
    while (!this.#closed) {
      this.#last = await this.#ask();
      // Looked at again: it may have been closed while the answer was awaited.
      if (!this.#isClosed()) this.#onAnswer(this.#last);
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  async #ask(): Promise<Answer> {
    const url = `http://127.0.0.1:${HEALTH_PORT}/readyz`;
    try {
      const { responses } = await this.#http.send([{ url, method: 'GET', timeoutMs: TIMEOUT_MS }]);
      return { status: responses[0]?.status, body: responses[0]?.body ?? '' };
    } catch {
      return NOBODY;
    }
  }
}
