// A netlink socket whose kernel is the test: what was sent is read off, answers are pushed in.

import type { NetlinkHandle, NetlinkHandlers } from '../../src/native.js';
import { align4, NLMSG_HDRLEN } from '../../src/kernel/rtnetlink/align.js';
import { NLM_F, NLMSG } from '../../src/kernel/rtnetlink/constants.js';
import { MessageCursor } from '../../src/kernel/rtnetlink/reader.js';

export interface SentMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
}

export class FakeNetlink {
  /** The messages of each datagram. */
  readonly datagrams: SentMessage[][] = [];
  readonly sizes: number[] = [];
  closed = false;
  /** Thrown by the next send. */
  sendError: Error | undefined;
  #handlers: NetlinkHandlers | undefined;

  readonly open = (handlers: NetlinkHandlers): NetlinkHandle => {
    this.#handlers = handlers;
    this.closed = false;
    return {
      portId: 42,
      send: (bytes) => {
        this.#send(bytes);
      },
      close: () => {
        this.closed = true;
      },
    };
  };

  /** Hands up messages, as one chunk. */
  receive(...messages: readonly Uint8Array[]): void {
    this.#handlers?.data(Buffer.concat(messages.map((message) => padded(message))));
  }

  fail(errno: number, sending = false): void {
    this.#handlers?.error(errno, sending);
  }

  #send(bytes: Uint8Array): void {
    const { sendError } = this;
    this.sendError = undefined;
    if (sendError !== undefined) throw sendError;
    const messages: SentMessage[] = [];
    const cursor = new MessageCursor(Uint8Array.from(bytes));
    while (cursor.next()) {
      messages.push({ type: cursor.type, flags: cursor.flags, sequence: cursor.sequence });
    }
    this.datagrams.push(messages);
    this.sizes.push(bytes.length);
  }
}

/** A message as the kernel would send it. */
export function message(
  type: number,
  flags: number,
  sequence: number,
  payload: Uint8Array,
  port = 0,
): Uint8Array {
  const bytes = Buffer.alloc(NLMSG_HDRLEN + payload.length);
  const [words, halves] = [new Uint32Array(4), new Uint16Array(2)];
  words.set([bytes.length, 0, sequence, port]);
  halves.set([type, flags]);
  bytes.set(new Uint8Array(words.buffer));
  bytes.set(new Uint8Array(halves.buffer), 4);
  bytes.set(payload, NLMSG_HDRLEN);
  return bytes;
}

/** The answer to one request: success, or an errno and perhaps words. */
export function ack(sequence: number, errno = 0, words?: string): Uint8Array {
  const attribute = words === undefined ? Buffer.alloc(0) : extackText(words);
  const flags = NLM_F.CAPPED | (words === undefined ? 0 : NLM_F.ACK_TLVS);
  return message(
    NLMSG.ERROR,
    flags,
    sequence,
    Buffer.concat([int32(-errno), Buffer.alloc(NLMSG_HDRLEN), attribute]),
  );
}

/** The end of a dump. */
export function done(sequence: number, errno = 0, flags = 0): Uint8Array {
  return message(NLMSG.DONE, NLM_F.MULTI | flags, sequence, int32(-errno));
}

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

function extackText(words: string): Uint8Array {
  const text = Buffer.from(`${words}\0`);
  const header = new Uint8Array(Uint16Array.of(4 + text.length, 1).buffer);
  return padded(Buffer.concat([header, text]));
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(align4(bytes.length) - bytes.length)]);
}
