// The socket that listens: joins the multicast groups, hands events to listeners, says `resync` when events were lost.
// What a message means is event-message.ts; what an event means is the listener's.

import type { Cancel, Clock } from '../../clock.js';
import type { Counters } from '../../counters.js';
import type { Logger } from '../../logger.js';
import type { NetlinkHandle, NetlinkHandlers } from '../../native.js';
import type { KernelEvent } from '../kernel.js';
import { errnoName } from '../operation-errors.js';
import { readEvent } from './event-message.js';
import { MessageCursor } from './reader.js';

/** Between two attempts to open the socket again after it failed for good. */
const REOPEN_MS = 1_000;
/** Errors of receiving after which the socket goes on, though events were lost (see NetlinkHandlers). */
const LOSS = new Set(['ENOBUFS', 'EMSGSIZE', 'ENOMEM']);

type NeighbourEvent = Extract<KernelEvent, { type: 'neighbour' }>;
export type EventListener = (event: KernelEvent) => void;

export interface EventSourceDependencies {
  /** Opens a socket that is joined to the groups. */
  readonly open: (handlers: NetlinkHandlers) => NetlinkHandle;
  /** The port our changes are sent from: events they cause are our own. */
  readonly ownPort: number;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly logger: Logger;
}

export class EventSource {
  readonly #dependencies: EventSourceDependencies;
  readonly #listeners = new Set<EventListener>();
  #socket: NetlinkHandle | undefined;
  #cancelReopen: Cancel | undefined;
  #unreadable = 0;
  #deletedByUs: string | undefined;

  constructor(dependencies: EventSourceDependencies) {
    this.#dependencies = dependencies;
  }

  /** Opens the socket with the first listener. Throws NativeError. Returns the stop. */
  listen(listener: EventListener): () => void {
    if (this.#socket === undefined && this.#cancelReopen === undefined) this.#open();
    // A listener of its own, so that the same function may listen twice and stop each once.
    const registered: EventListener = (event) => {
      listener(event);
    };
    this.#listeners.add(registered);
    return () => {
      this.#listeners.delete(registered);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#cancelReopen?.();
    this.#cancelReopen = undefined;
    this.#socket?.close();
    this.#socket = undefined;
  }

  #open(): void {
    this.#socket = this.#dependencies.open({
      data: (chunk) => {
        this.#receive(chunk);
      },
      error: (errno) => {
        this.#failed(errnoName(errno));
      },
    });
  }

  #receive(chunk: Uint8Array): void {
    const { counters, ownPort } = this.#dependencies;
    const message = new MessageCursor(chunk);
    while (message.next()) {
      const event = readEvent(message, ownPort);
      if (event === 'other') continue;
      if (event === undefined) {
        this.#skipped(message.type);
        continue;
      }
      counters.increment('kernelEvents');
      this.#emit(event.type === 'neighbour' ? this.#withAuthor(event) : event);
    }
    if (message.malformed) this.#skipped(0);
  }

  /**
   * The kernel tells of a deleted neighbour twice: first that it is unresolved, naming the author, then, with no
   * author, that it is gone (neigh_delete in net/core/neighbour.c). The second one gets the author of the first.
   */
  #withAuthor(event: NeighbourEvent): NeighbourEvent {
    const { neighbour, gone, own } = event;
    const key = `${neighbour.link} ${neighbour.ip}`;
    const deletedByUs = gone && key === this.#deletedByUs;
    this.#deletedByUs = own && !gone && neighbour.mac === undefined ? key : undefined;
    return deletedByUs ? { ...event, own: true } : event;
  }

  #skipped(type: number): void {
    this.#dependencies.counters.increment('kernelMessagesUnreadable');
    // Once: a kernel that says what we cannot read says it again and again. The counter has the rest.
    if (this.#unreadable++ > 0) return;
    this.#dependencies.logger.warn('an event of the kernel could not be read; it is skipped', {
      object: `netlink message type ${type}`,
    });
  }

  #failed(code: string): void {
    const { logger } = this.#dependencies;
    if (LOSS.has(code)) {
      logger.info('kernel events were lost; the kernel state must be read anew', { code });
    } else {
      logger.error('listening to the kernel failed; opening the socket again', { code });
      this.#reopen();
    }
    this.#emit({ type: 'resync', reason: `kernel events were lost (${code})` });
  }

  #reopen(): void {
    const { clock, logger } = this.#dependencies;
    this.#socket?.close();
    this.#socket = undefined;
    this.#cancelReopen = clock.after(REOPEN_MS, () => {
      this.#cancelReopen = undefined;
      try {
        this.#open();
      } catch (err) {
        logger.error('opening the netlink socket for events failed; trying again', { err });
        this.#reopen();
        return;
      }
      this.#emit({ type: 'resync', reason: 'listening to the kernel was interrupted' });
    });
  }

  #emit(event: KernelEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
