// The channels to all endpoints: which one is in use, and which one is next when it fails.
// It decides nothing about calls (call.ts) and makes none; changed certificate files are renewal.ts.

import { EtcdChannel } from './channel.js';
import type { Cancel } from '../clock.js';
import type { Endpoint } from './endpoints.js';
import type { Lifetime } from './lifetime.js';
import type { EtcdParts } from './parts.js';
import { CertificateRenewal } from './renewal.js';
import { loadTls, type TlsFiles, type TlsMaterial } from './tls.js';

interface Slot {
  readonly opening: Promise<EtcdChannel>;
  channel?: EtcdChannel;
}

/** One channel an endpoint, not one for all: the names in their certificates differ. */
export class ChannelPool {
  readonly endpoints: readonly Endpoint[];
  readonly #tls: TlsFiles | undefined;
  readonly #parts: EtcdParts;
  readonly #lifetime: Lifetime;
  readonly #renewal: CertificateRenewal | undefined;
  readonly #slots = new Map<Endpoint, Slot>();
  readonly #renewed = new Set<(certificates: string) => void>();
  #index = 0;

  constructor(
    endpoints: readonly Endpoint[],
    tls: TlsFiles | undefined,
    parts: EtcdParts,
    lifetime: Lifetime,
  ) {
    if (endpoints.length === 0) throw new RangeError('an etcd client needs an endpoint');
    this.endpoints = endpoints;
    this.#tls = tls;
    this.#parts = parts;
    this.#lifetime = lifetime;
    this.#renewal = tls === undefined ? undefined : new CertificateRenewal(tls, this, parts, lifetime);
    lifetime.onClose(() => {
      for (const { channel } of this.#slots.values()) channel?.close();
      this.#slots.clear();
    });
  }

  /** The endpoint whose turn it is. */
  get endpoint(): Endpoint {
    const endpoint = this.endpoints[this.#index];
    if (endpoint === undefined) throw new RangeError('the endpoint index is out of range');
    return endpoint;
  }

  /** The channel whose turn it is, if it is open. */
  get held(): EtcdChannel | undefined {
    return this.#slots.get(this.endpoint)?.channel;
  }

  /** The channel whose turn it is. Rejects when its certificate files cannot be used. */
  async current(): Promise<EtcdChannel> {
    const { endpoint } = this;
    const held = this.#slots.get(endpoint);
    if (held !== undefined) return held.opening;
    const slot: Slot = { opening: this.#open(endpoint) };
    this.#slots.set(endpoint, slot);
    try {
      slot.channel = await slot.opening;
    } catch (error) {
      this.#slots.delete(endpoint);
      throw error;
    }
    if (this.#lifetime.closed) slot.channel.close();
    return slot.channel;
  }

  async #open(endpoint: Endpoint): Promise<EtcdChannel> {
    const secure = endpoint.secure ?? this.#tls !== undefined;
    const material = secure ? await loadTls(this.#tls ?? {}, endpoint.text) : undefined;
    const channel = await this.openWith(endpoint, material);
    if (secure) this.#renewal?.start();
    return channel;
  }

  /** A channel outside the pool. Rejects with EtcdError `tls` when the certificates cannot be used. */
  openWith(endpoint: Endpoint, material: TlsMaterial | undefined): Promise<EtcdChannel> {
    return EtcdChannel.open(endpoint, material, this.#parts.clock, this.#lifetime);
  }

  /** The next endpoint's turn, unless another call has seen to that already. */
  rotate(failed: Endpoint): void {
    if (this.endpoint === failed) this.#index = (this.#index + 1) % this.endpoints.length;
  }

  /**
   * Gives a channel up: the endpoint's next turn opens another one, with the certificate files as they are by then.
   * Streams and calls on the old one live on to their own end.
   */
  discard(channel: EtcdChannel): void {
    if (this.#slots.get(channel.endpoint)?.channel === channel) this.#slots.delete(channel.endpoint);
    channel.close();
  }

  /** Puts one channel in the place of another, which is discarded. False when that is in its place no longer. */
  swap(channel: EtcdChannel, replacement: EtcdChannel): boolean {
    if (this.#lifetime.closed || this.#slots.get(channel.endpoint)?.channel !== channel) return false;
    const slot = { opening: Promise.resolve(replacement), channel: replacement };
    this.#slots.set(channel.endpoint, slot);
    channel.close();
    return true;
  }

  /** The connection in use stands on these certificates: channels with others are given up, streams on them told. */
  renewed(certificates: string): void {
    for (const { channel } of [...this.#slots.values()]) {
      if (channel?.certificates !== undefined && channel.certificates !== certificates) this.discard(channel);
    }
    for (const listener of [...this.#renewed]) listener(certificates);
  }

  /** Tells a stream which certificates are the present ones, now and then, changed or not. */
  onRenewed(listener: (certificates: string) => void): Cancel {
    this.#renewed.add(listener);
    return () => {
      this.#renewed.delete(listener);
    };
  }

  /** Looks at the certificate files now. Resolves when that is done with; never rejects. */
  async reload(): Promise<void> {
    await this.#renewal?.look();
  }
}
