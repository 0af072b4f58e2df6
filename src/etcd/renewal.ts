// Brings the standing connection over to certificate files that have changed: etcd asks for a certificate at the
// handshake only, and a watch lives for months. Whoever opens a connection reads the files anyway (pool.ts).

import { CONNECT_MS, reasonOf, type EtcdChannel } from './channel.js';
import { EtcdError } from './errors.js';
import type { Lifetime } from './lifetime.js';
import type { EtcdParts } from './parts.js';
import type { ChannelPool } from './pool.js';
import { loadTls, type TlsFiles, type TlsMaterial } from './tls.js';

/** Certificates are renewed days before they expire, and reading three small files costs nothing. */
const LOOK_MS = 10_000;

/**
 * Looks at the files every ten seconds, at their contents: a time stamp lies after a restored backup, and a changed one
 * need not mean anything. What has changed is used for a second connection first, and only when etcd has accepted that
 * the first is given up. So half-written files, or a key without its certificate, cost a warning and no connection.
 */
export class CertificateRenewal {
  readonly #files: TlsFiles;
  readonly #pool: ChannelPool;
  readonly #parts: EtcdParts;
  readonly #lifetime: Lifetime;
  #started = false;
  #looks: Promise<void> = Promise.resolve();
  /** The failure that was told last; it is not told again while it lasts. */
  #told: string | undefined;

  constructor(files: TlsFiles, pool: ChannelPool, parts: EtcdParts, lifetime: Lifetime) {
    this.#files = files;
    this.#pool = pool;
    this.#parts = parts;
    this.#lifetime = lifetime;
  }

  /** From the first connection on; until the client is closed. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      await this.#lifetime.sleep(clock, LOOK_MS);
      if (this.#lifetime.closed) return;
      await this.look();
    }
  }

  /** Looks now. One look at a time; resolves after its own. */
  look(): Promise<void> {
    this.#looks = this.#looks.then(() => this.#look());
    return this.#looks;
  }

  async #look(): Promise<void> {
    const { held } = this.#pool;
    // Whatever is opened next reads the files; until then there is nothing to bring over, and nothing to prove them on.
    if (held?.certificates === undefined || this.#lifetime.closed) return;
    try {
      const material = await loadTls(this.#files, held.endpoint.text);
      const stands =
        held.certificates === material.fingerprint ? held.stands : await this.#replace(held, material);
      if (!stands) return;
      this.#told = undefined;
      this.#pool.renewed(material.fingerprint);
    } catch (error) {
      this.#failed(held, error);
    }
  }

  /** False when the pool has gone another way in the meantime; rejects with EtcdError when there is no connection. */
  async #replace(channel: EtcdChannel, material: TlsMaterial): Promise<boolean> {
    const { counters, logger } = this.#parts;
    const { endpoint } = channel;
    const replacement = await this.#pool.openWith(endpoint, material);
    try {
      await replacement.ready('renew', CONNECT_MS);
    } catch (error) {
      replacement.close();
      throw error;
    }
    if (!this.#pool.swap(channel, replacement)) {
      replacement.close();
      return false;
    }
    counters.increment('etcdTlsRenewals');
    logger.info('the certificate files have changed, and etcd is connected with the new ones', {
      endpoint: endpoint.text,
    });
    return true;
  }

  #failed(channel: EtcdChannel, error: unknown): void {
    if (this.#lifetime.closed) return;
    const { counters, logger } = this.#parts;
    counters.increment('etcdTlsRenewalErrors');
    const reason = error instanceof EtcdError ? error.reason : reasonOf(error);
    if (reason === this.#told) return;
    this.#told = reason;
    logger.warn(
      'the certificate files cannot be used as they are; the connection with the former ones stays',
      {
        endpoint: channel.endpoint.text,
        reason,
      },
    );
  }
}
