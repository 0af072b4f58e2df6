// SIGHUP: what the daemon reads again, told to the log and the service manager (as systemd's Type=notify-reload wants it).
// What is read, and how, is the etcd client's.

import type { Logger } from '../logger.js';

export interface ReloadParts {
  readonly logger: Logger;
  readonly notify: (state: string) => void;
  /** Never rejects. */
  readonly reload: () => Promise<void>;
  /** CLOCK_MONOTONIC, microseconds: systemd compares it with the moment at which it sent the signal. */
  readonly monotonicMicroseconds: () => bigint;
}

export class Reload {
  readonly #parts: ReloadParts;
  #isReady = false;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
  }

  /** The daemon has said READY=1: it may say so again. Before that, it would be taken for the end of the start. */
  ready(): void {
    this.#isReady = true;
  }

  /** Reads everything again. However often it is asked for while that is under way, it is done once more. */
  request(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#run();
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    for (this.#again = true; this.#takeAgain();) await this.#once();
    this.#running = undefined;
  }

  #takeAgain(): boolean {
    const again = this.#again;
    this.#again = false;
    return again;
  }

  async #once(): Promise<void> {
    const { logger, notify, reload, monotonicMicroseconds } = this.#parts;
    const tells = this.#isReady;
    if (tells) notify(`RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds()}`);
    logger.info('reading the certificate files again, as SIGHUP asks for');
    await reload();
    logger.info('the certificate files have been read again');
    if (tells) notify('READY=1');
  }
}
