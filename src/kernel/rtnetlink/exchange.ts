// Requests under way: a batch of changes, a dump or single question, and the fence that finds lost answers.
// They consume answers and settle; sending, numbering and time-outs are the connection's.

import { readRefusal, type Refusal } from './ack.js';
import { NLM_F, NLMSG } from './constants.js';
import type { MessageCursor } from './reader.js';

/** What the connection tracks: the sequence numbers `first` … `first + count - 1` are this exchange's. */
export interface Exchange {
  readonly first: number;
  readonly count: number;
  /** Takes an answer; true when it was the last one and the exchange has settled. */
  answer(message: MessageCursor): boolean;
  /** Answers were lost up to here and will not come; true when the exchange has settled by that. */
  lost(): boolean;
  /** Answers may have been lost, though the exchange goes on. */
  suspect(): void;
  /** Ends it with an error. */
  fail(error: Error): void;
}

const ENOBUFS: Refusal = { errno: 105, extack: 'the answer was lost; the outcome is unknown' };

/** Several changes in one datagram, each answered by its own acknowledgement. */
export class Batch implements Exchange {
  readonly first: number;
  readonly count: number;
  /** Settles when every change is answered. Never rejects: an error is the value. */
  readonly done: Promise<Error | undefined>;
  readonly #refused: (index: number, refusal: Refusal) => void;
  readonly #open: Uint8Array;
  #left: number;
  #settle: (error: Error | undefined) => void = () => undefined;

  /** `refused` is told the place in the batch of each change that was refused. */
  constructor(first: number, count: number, refused: (index: number, refusal: Refusal) => void) {
    this.first = first;
    this.count = count;
    this.#refused = refused;
    this.#open = new Uint8Array(count).fill(1);
    this.#left = count;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  answer(message: MessageCursor): boolean {
    const index = message.sequence - this.first;
    // Anything but the acknowledgement (an echo) is not asked for; a second answer would be counted twice.
    if (message.type !== NLMSG.ERROR || this.#open[index] !== 1) return false;
    this.#open[index] = 0;
    const refusal = readRefusal(message);
    if (refusal !== undefined) this.#refused(index, refusal);
    if (--this.#left > 0) return false;
    this.#settle(undefined);
    return true;
  }

  lost(): boolean {
    for (const [index, open] of this.#open.entries()) if (open === 1) this.#refused(index, ENOBUFS);
    this.#settle(undefined);
    return true;
  }

  suspect(): void {
    // The fence tells which answers are missing.
  }

  fail(error: Error): void {
    this.#settle(error);
  }
}

/** How a question ended: with everything, with a refusal, or so that it must be asked again. */
export type QueryEnd<T> = { readonly items: readonly T[] } | { readonly refusal: Refusal } | 'repeat' | Error;

/** A question with any number of answers. A dump ends with NLMSG_DONE, a single question with its acknowledgement. */
export class Query<T> implements Exchange {
  readonly first: number;
  readonly count = 1;
  readonly done: Promise<QueryEnd<T>>;
  readonly #dump: boolean;
  readonly #read: (message: MessageCursor) => T | undefined;
  readonly #items: T[] = [];
  #inconsistent = false;
  #settle: (end: QueryEnd<T>) => void = () => undefined;

  /** `read` gives an item, or undefined for a message to pass over. */
  constructor(first: number, dump: boolean, read: (message: MessageCursor) => T | undefined) {
    this.first = first;
    this.#dump = dump;
    this.#read = read;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  answer(message: MessageCursor): boolean {
    // The table changed between two parts of the dump: an entry may be missing or stand twice.
    if ((message.flags & NLM_F.DUMP_INTR) !== 0) this.#inconsistent = true;
    if (message.type === NLMSG.DONE || message.type === NLMSG.ERROR) {
      const refusal = readRefusal(message);
      if (refusal !== undefined) this.#settle({ refusal });
      else this.#settle(this.#inconsistent ? 'repeat' : { items: this.#items });
      return true;
    }
    if (message.type === NLMSG.OVERRUN) this.#inconsistent = true;
    if (message.type <= NLMSG.OVERRUN || this.#inconsistent) return false;
    const item = this.#read(message);
    if (item !== undefined) this.#items.push(item);
    return false;
  }

  /** A dump goes on beyond the fence: its parts are made as they are read. */
  lost(): boolean {
    if (this.#dump) return false;
    this.#settle('repeat');
    return true;
  }

  suspect(): void {
    this.#inconsistent = true;
  }

  fail(error: Error): void {
    this.#settle(error);
  }
}

/**
 * An empty request that only asks for an acknowledgement. Requests are answered in order, so when the fence is
 * answered, what was sent before it and still waits has lost its answer.
 */
export class Fence implements Exchange {
  readonly first: number;
  readonly count = 1;
  readonly #reached: () => void;

  constructor(first: number, reached: () => void) {
    this.first = first;
    this.#reached = reached;
  }

  answer(): boolean {
    this.#reached();
    return true;
  }

  lost(): boolean {
    return true;
  }

  suspect(): void {
    // Its own answer may be lost too; the next overrun sets another fence, and a time-out ends the rest.
  }

  fail(): void {
    // Nobody waits for it.
  }
}
