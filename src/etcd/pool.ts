// The channels to all endpoints: which one is in use, and which one is next when it fails.
// It decides nothing about calls (call.ts) and makes none.

import type { Clock } from '../clock.js';
import { EtcdChannel } from './channel.js';
import type { Endpoint } from './endpoints.js';
import type { Lifetime } from './lifetime.js';
import type { TlsFiles } from './tls.js';

interface Slot {
  readonly opening: Promise<EtcdChannel>;
  channel?: EtcdChannel;
}

/** One channel an endpoint, not one for all: the names in their certificates differ. */
export class ChannelPool {
  readonly endpoints: readonly Endpoint[];
  readonly #tls: TlsFiles | undefined;
  readonly #clock: Clock;
  readonly #lifetime: Lifetime;
  readonly #slots = new Map<Endpoint, Slot>();
  #index = 0;

  constructor(endpoints: readonly Endpoint[], tls: TlsFiles | undefined, clock: Clock, lifetime: Lifetime) {
    if (endpoints.length === 0) throw new RangeError('an etcd client needs an endpoint');
    this.endpoints = endpoints;
    this.#tls = tls;
    this.#clock = clock;
    this.#lifetime = lifetime;
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

  /** The channel whose turn it is. Rejects when its certificate files cannot be used. */
  async current(): Promise<EtcdChannel> {
    const { endpoint } = this;
    const held = this.#slots.get(endpoint);
    if (held !== undefined) return held.opening;
    const slot: Slot = { opening: EtcdChannel.open(endpoint, this.#tls, this.#clock, this.#lifetime) };
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
}
