// Requests over one netlink socket: numbering, batches, acknowledgements, dumps, lost answers, time-outs.
// It knows nothing of links and routes: callers write and read the messages. Results are errnos, not KernelErrors,
// except when the kernel cannot be reached at all.

import type { Cancel, Clock } from '../../clock.js';
import type { Logger } from '../../logger.js';
import type { NetlinkHandle, NetlinkHandlers } from '../../native.js';
import { errnoOf, kernelError } from '../operation-errors.js';
import type { Refusal } from './ack.js';
import { NLM_F, NLMSG } from './constants.js';
import { Batch, Fence, Query, type Exchange, type QueryEnd } from './exchange.js';
import { MessageCursor } from './reader.js';
import { MessageWriter } from './writer.js';

/** A batch's answers must fit into the receive buffer, and its work delays the answers to others. */
const BATCH_MESSAGES = 128;
const BATCH_BYTES = 64 * 1024;
/**
 * Batches of one call handed to the socket and not yet answered. The socket's thread reads the answers of each before
 * it sends the next, so they cannot overflow; there are enough for the kernel to stay busy while JavaScript is.
 */
const BATCHES_IN_FLIGHT = 32;
/** A dump that changes under our hands is repeated; a table that never rests is an error in the end. */
const DUMP_ATTEMPTS = 8;
/** Without any answer for this long, the kernel is taken to be unreachable. */
const TIMEOUT_MS = 10_000;

const OPERATION = 'talk to the kernel over netlink';

/** Errors of receiving after which the socket goes on, though answers were lost (see NetlinkHandlers). */
const LOSS = new Set(['ENOBUFS', 'EMSGSIZE', 'ENOMEM'].map(errnoOf));

export interface ConnectionDependencies {
  readonly open: (handlers: NetlinkHandlers) => NetlinkHandle;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Writes one message; false when it did not fit. */
export type Write = (writer: MessageWriter) => boolean;

export class Connection {
  readonly #socket: NetlinkHandle;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #writer = new MessageWriter(BATCH_BYTES);
  /** In the order of sending, which is the order of the answers. */
  #exchanges: Exchange[] = [];
  #nextSequence = 1;
  #lastAnswer = 0;
  #cancelTimeout: Cancel | undefined;
  #changes: Promise<unknown> = Promise.resolve();
  #queries: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** Opens the socket; throws NativeError. */
  constructor({ open, clock, logger }: ConnectionDependencies) {
    this.#clock = clock;
    this.#logger = logger;
    this.#socket = open({
      data: (chunk) => {
        this.#receive(chunk);
      },
      error: (errno, sending) => {
        this.#failed(errno, sending);
      },
    });
  }

  /** nlmsg_pid of the events that this connection's changes cause. */
  get portId(): number {
    return this.#socket.portId;
  }

  /**
   * Sends `count` changes in order; `write(writer, index)` appends each, asking for an acknowledgement.
   * Resolves to one result a change, undefined for success. Rejects with KernelError when the kernel is out of reach.
   * Calls follow one another: the second is sent after the first, without waiting for its answers.
   */
  change(
    count: number,
    write: (writer: MessageWriter, index: number) => boolean,
  ): Promise<(Refusal | undefined)[]> {
    const turn = this.#changes;
    let passOn = (): void => undefined;
    this.#changes = new Promise<void>((resolve) => {
      passOn = resolve;
    });
    return turn.then(() => this.#change(count, write, passOn)).finally(passOn);
  }

  /**
   * Asks and collects the answers: `read` makes an item of a message, or undefined for one to pass over.
   * A dump that the kernel says was inconsistent is asked for again. Queries follow one another, as the kernel
   * works on one dump a socket. Rejects with KernelError when the kernel is out of reach.
   */
  query<T>(
    dump: boolean,
    write: Write,
    read: (message: MessageCursor) => T | undefined,
  ): Promise<readonly T[] | Refusal> {
    const result = this.#queries.then(() => this.#query(dump, write, read));
    this.#queries = result.catch(() => undefined);
    return result;
  }

  /** What is under way rejects with ECANCELED. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#failAll('ECANCELED');
  }

  /** Calls `sent` when the last batch is on its way. */
  async #change(
    count: number,
    write: (writer: MessageWriter, index: number) => boolean,
    sent: () => void,
  ): Promise<(Refusal | undefined)[]> {
    const results: (Refusal | undefined)[] = new Array<undefined>(count).fill(undefined);
    const flying: Promise<Error | undefined>[] = [];
    for (let index = 0; index < count;) {
      index = this.#sendBatch(index, count, write, results, flying);
      if (index >= count) sent();
      while (flying.length >= (index < count ? BATCHES_IN_FLIGHT : 1)) {
        const error = await flying.shift();
        if (error !== undefined) throw error;
      }
    }
    return results;
  }

  /** Sends as many changes from `from` on as go into one batch; returns the index of the first that did not. */
  #sendBatch(
    from: number,
    count: number,
    write: (writer: MessageWriter, index: number) => boolean,
    results: (Refusal | undefined)[],
    flying: Promise<Error | undefined>[],
  ): number {
    const first = this.#reserve(BATCH_MESSAGES);
    const places: number[] = [];
    this.#writer.reset();
    let index = from;
    for (; index < count && places.length < BATCH_MESSAGES; index++) {
      this.#writer.sequence = first + places.length;
      if (write(this.#writer, index)) places.push(index);
      // Full: the change goes into the next batch. Too long even for an empty one: it cannot be sent at all.
      else if (places.length > 0) break;
      else results[index] = { errno: errnoOf('EMSGSIZE') };
    }
    if (places.length > 0) {
      const batch = new Batch(first, places.length, (place, refusal) => {
        results[places[place] ?? from] = refusal;
      });
      flying.push(batch.done);
      this.#send(batch);
    }
    return index;
  }

  async #query<T>(
    dump: boolean,
    write: Write,
    read: (message: MessageCursor) => T | undefined,
  ): Promise<readonly T[] | Refusal> {
    for (let attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
      const end = await this.#ask(dump, write, read);
      if (end instanceof Error) throw end;
      if (end !== 'repeat') return 'items' in end ? end.items : end.refusal;
      this.#logger.debug('the kernel state changed while it was read; reading again', { count: attempt });
    }
    return { errno: errnoOf('EBUSY'), extack: `changed during each of ${DUMP_ATTEMPTS} readings` };
  }

  #ask<T>(
    dump: boolean,
    write: Write,
    read: (message: MessageCursor) => T | undefined,
  ): Promise<QueryEnd<T>> {
    const query = new Query(this.#reserve(1), dump, read);
    this.#writer.reset();
    this.#writer.sequence = query.first;
    write(this.#writer);
    this.#send(query);
    return query.done;
  }

  #send(exchange: Exchange): void {
    if (this.#closed) {
      exchange.fail(this.#unreachable('ECANCELED'));
      return;
    }
    if (this.#exchanges.length === 0) this.#lastAnswer = this.#clock.monotonic();
    this.#exchanges.push(exchange);
    this.#cancelTimeout ??= this.#watchTimeout(TIMEOUT_MS);
    try {
      this.#socket.send(this.#writer.written);
    } catch (error) {
      this.#exchanges.pop();
      exchange.fail(this.#unreachable('ENOMEM', error));
    }
  }

  /** Numbers wrap around to 1; by then the answers to the first are long in. */
  #reserve(count: number): number {
    if (this.#nextSequence > 0xffff_ffff - count) this.#nextSequence = 1;
    const first = this.#nextSequence;
    this.#nextSequence += count;
    return first;
  }

  #receive(data: Uint8Array): void {
    this.#lastAnswer = this.#clock.monotonic();
    const message = new MessageCursor(data);
    while (message.next()) {
      const exchange = this.#exchanges.find(
        ({ first, count }) => message.sequence >= first && message.sequence < first + count,
      );
      // Answers to requests that were given up are still to be expected.
      if (exchange?.answer(message) === true) this.#remove(exchange);
    }
  }

  #failed(errno: number, sending: boolean): void {
    if (sending || !LOSS.has(errno)) {
      this.#failAll(undefined, errno);
      return;
    }
    this.#logger.warn('the kernel dropped answers; finding out which', { count: this.#exchanges.length });
    for (const exchange of this.#exchanges) exchange.suspect();
    const before = new Set(this.#exchanges);
    const fence = new Fence(this.#reserve(1), () => {
      for (const exchange of before) {
        if (this.#exchanges.includes(exchange) && exchange.lost()) this.#remove(exchange);
      }
    });
    this.#writer.reset();
    this.#writer.sequence = fence.first;
    this.#writer.begin(NLMSG.NOOP, NLM_F.REQUEST | NLM_F.ACK);
    this.#writer.end();
    this.#send(fence);
  }

  #remove(exchange: Exchange): void {
    this.#exchanges = this.#exchanges.filter((other) => other !== exchange);
    if (this.#exchanges.length > 0) return;
    this.#cancelTimeout?.();
    this.#cancelTimeout = undefined;
  }

  /** One timer for all: it looks when the last answer came, and waits for the rest of the time. */
  #watchTimeout(ms: number): Cancel {
    return this.#clock.after(ms, () => {
      const left = this.#lastAnswer + TIMEOUT_MS - this.#clock.monotonic();
      if (left > 0) this.#cancelTimeout = this.#watchTimeout(left);
      else this.#failAll('ETIMEDOUT');
    });
  }

  #failAll(code: string | undefined, errno = errnoOf(code ?? '')): void {
    this.#cancelTimeout?.();
    this.#cancelTimeout = undefined;
    const exchanges = this.#exchanges;
    this.#exchanges = [];
    for (const exchange of exchanges) exchange.fail(kernelError(OPERATION, errno));
  }

  #unreachable(code: string, cause?: unknown): Error {
    return kernelError(OPERATION, errnoOf(code), undefined, { cause });
  }
}
