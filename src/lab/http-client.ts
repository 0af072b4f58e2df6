// HTTP requests made from inside a namespace, through http-relay.ts as a child there.
// Knows nothing of what is asked.

import { LabError } from './errors.js';
import type { RelayAnswer, RelayRequest } from './http-relay.js';
import type { Namespace } from './namespace.js';
import type { LabProcess } from './processes.js';

const RELAY = `${import.meta.dirname}/http-relay.js`;

export class NamespaceHttp {
  readonly #relay: LabProcess;
  readonly #waiting = new Map<number, (answer: RelayAnswer) => void>();
  #nextId = 1;

  constructor(namespace: Namespace) {
    // Its answers go to their callers; nothing needs to be kept.
    this.#relay = namespace.spawn(process.execPath, [RELAY], { keepLines: 20 });
    this.#relay.output.onLine((line) => {
      if (!line.startsWith('{')) return;
      const answer = JSON.parse(line) as RelayAnswer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** Sends the requests in order; rejects when one could not be sent or the relay ended. */
  async send(requests: readonly RelayRequest[]): Promise<RelayAnswer> {
    const id = this.#nextId++;
    const answered = new Promise<RelayAnswer>((resolve) => this.#waiting.set(id, resolve));
    this.#relay.write(JSON.stringify({ id, requests }) + '\n');
    const ended = this.#relay.exited.then((): never => {
      throw new LabError('CLOSED', `the HTTP relay has ended: ${this.#relay.output.text()}`);
    });
    const answer = await Promise.race([answered, ended]);
    if (answer.error !== undefined) {
      const failed = requests[answer.responses.length]?.url ?? '';
      throw new LabError('COMMAND_FAILED', `${failed}: ${answer.error}`);
    }
    return answer;
  }

  /** Ends the relay. */
  async close(): Promise<void> {
    this.#relay.endInput();
    await this.#relay.exited;
  }
}
