// Says when rules changed, from the kernel's own notifications: no polling. It reads of each message only what it is
// about; whether anything must be mended is decided by an apply, which sends nothing when all is well.
//
// Our own transactions wake us as well. That ends by itself: the apply they lead to finds everything equal.

import type { Cancel, Clock } from '../../clock.js';
import type { Counters } from '../../counters.js';
import type { Logger } from '../../logger.js';
import type { NetlinkHandle, NetlinkHandlers } from '../../native.js';
import { openNetlink } from '../../native.js';
import { errnoName } from '../operation-errors.js';
import { align4, NLA_HDRLEN } from '../rtnetlink/align.js';
import { NLA_TYPE_MASK } from '../rtnetlink/constants.js';
import { MessageCursor } from '../rtnetlink/reader.js';

/** linux/netlink.h and linux/netfilter/nfnetlink.h */
const NETLINK_NETFILTER = 12;
const NFNLGRP_NFTABLES = 7;
const NFNL_SUBSYS_NFTABLES = 10;
/** struct nfgenmsg { __u8 nfgen_family; __u8 version; __be16 res_id; } */
const NFGENMSG_SIZE = 4;
/** linux/netfilter/nf_tables.h. Every message but NEWGEN has its table as attribute 1 (NFTA_*_TABLE, NFTA_TABLE_NAME). */
const NFT_MSG = { NEWCHAIN: 3, DELCHAIN: 5, NEWRULE: 6, DELRULE: 8, NEWGEN: 15 } as const;
const NFTA_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_HOOK_HOOKNUM = 1;
const NF_INET_FORWARD = 2;
/** linux/netfilter.h: NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 → nft's words. */
const FAMILIES: Readonly<Record<number, string>> = { 1: 'inet', 2: 'ip', 10: 'ip6' };

/** A listing of 10,000 rules is about this much; when it does not fit, ENOBUFS says so. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;
const REOPEN_MS = 1_000;
const LOSS = new Set(['ENOBUFS', 'EMSGSIZE', 'ENOMEM']);

/** What a notification is about; without a chain it is the table itself, a set, a counter. */
export interface RulePlace {
  readonly family: string;
  readonly table: string;
  readonly chain?: string;
}

/**
 * - `table`: something in a watched place changed.
 * - `forward-hook`: somebody's base chain at the forward hook came or changed its policy.
 * - `lost`: notifications were lost; anything may have changed.
 */
export type RuleEvent =
  | ({ readonly type: 'table' } & RulePlace)
  | ({ readonly type: 'forward-hook' } & RulePlace)
  | { readonly type: 'lost'; readonly reason: string };

export interface RuleWatchOptions {
  /** Whether changes of this place are told. Asked for every message. */
  readonly watches: (place: RulePlace) => boolean;
  readonly listener: (event: RuleEvent) => void;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly logger: Logger;
  /** Path of the network namespace to listen in; for tests. */
  readonly netns?: string;
  /** Opens the socket; for tests. */
  readonly open?: (handlers: NetlinkHandlers) => NetlinkHandle;
}

/** Calls `listener` at most once a transaction for each thing that changed. Returns the stop. Throws NativeError. */
export function watchRules(options: RuleWatchOptions): () => void {
  const watch = new RuleWatch(options);
  watch.open();
  return () => {
    watch.close();
  };
}

class RuleWatch {
  readonly #options: RuleWatchOptions;
  #socket: NetlinkHandle | undefined;
  #cancelReopen: Cancel | undefined;
  #unreadable = 0;

  constructor(options: RuleWatchOptions) {
    this.#options = options;
  }

  open(): void {
    const handlers: NetlinkHandlers = {
      data: (chunk) => {
        this.#receive(chunk);
      },
      error: (errno) => {
        this.#failed(errnoName(errno));
      },
    };
    const { open, netns } = this.#options;
    this.#socket =
      open?.(handlers) ??
      openNetlink(
        {
          protocol: NETLINK_NETFILTER,
          groups: [NFNLGRP_NFTABLES],
          receiveBuffer: RECEIVE_BUFFER,
          ...(netns === undefined ? {} : { netns }),
        },
        handlers,
      );
  }

  close(): void {
    this.#cancelReopen?.();
    this.#cancelReopen = undefined;
    this.#socket?.close();
    this.#socket = undefined;
  }

  #receive(chunk: Uint8Array): void {
    const { watches, listener, counters } = this.#options;
    const told = new Set<string>();
    const message = new MessageCursor(chunk);
    while (message.next()) {
      const event = readRuleEvent(message, watches);
      if (event === 'unreadable') this.#skipped(message.type);
      if (typeof event !== 'object') continue;
      const key = `${event.type} ${event.family} ${event.table} ${event.chain ?? ''}`;
      if (told.has(key)) continue;
      told.add(key);
      counters.increment('kernelEvents');
      listener(event);
    }
    if (message.malformed) this.#skipped(0);
  }

  #skipped(type: number): void {
    this.#options.counters.increment('kernelMessagesUnreadable');
    if (this.#unreadable++ > 0) return;
    this.#options.logger.warn('A notification of nftables could not be read; it is skipped', {
      object: `netlink message type ${type}`,
    });
  }

  #failed(code: string): void {
    const { logger, listener } = this.#options;
    if (LOSS.has(code)) {
      logger.info('Notifications of nftables were lost; the rules must be looked at', { code });
    } else {
      logger.error('Listening to nftables failed; opening the socket again', { code });
      this.#reopen();
    }
    listener({ type: 'lost', reason: `notifications were lost (${code})` });
  }

  #reopen(): void {
    const { clock, logger, listener } = this.#options;
    this.#socket?.close();
    this.#socket = undefined;
    this.#cancelReopen?.();
    this.#cancelReopen = clock.after(REOPEN_MS, () => {
      this.#cancelReopen = undefined;
      try {
        this.open();
      } catch (err) {
        logger.error('Opening the socket for nftables failed; trying again', { err });
        this.#reopen();
        return;
      }
      listener({ type: 'lost', reason: 'listening was interrupted' });
    });
  }
}

/** The event in a message; `other` for what nobody asked about, `unreadable` for what breaks the format. */
function readRuleEvent(
  message: MessageCursor,
  watches: RuleWatchOptions['watches'],
): Exclude<RuleEvent, { type: 'lost' }> | 'other' | 'unreadable' {
  if (message.type >> 8 !== NFNL_SUBSYS_NFTABLES) return 'other';
  const kind = message.type & 0xff;
  if (kind === NFT_MSG.NEWGEN) return 'other';
  const { chunk, start, end } = message;
  if (end - start < NFGENMSG_SIZE) return 'unreadable';
  const family = FAMILIES[chunk.u8(start)];
  if (family === undefined) return 'other';
  const from = start + NFGENMSG_SIZE;
  const table = textAttribute(message, from, NFTA_TABLE);
  if (table === undefined) return 'unreadable';
  const chain = chainOf(message, kind, from);
  const place: RulePlace = { family, table, ...(chain === undefined ? {} : { chain }) };
  if (watches(place)) return { type: 'table', ...place };
  return kind === NFT_MSG.NEWCHAIN && isForwardHook(message, from)
    ? { type: 'forward-hook', ...place }
    : 'other';
}

function chainOf(message: MessageCursor, kind: number, from: number): string | undefined {
  if (kind === NFT_MSG.NEWRULE || kind === NFT_MSG.DELRULE)
    return textAttribute(message, from, NFTA_RULE_CHAIN);
  if (kind === NFT_MSG.NEWCHAIN || kind === NFT_MSG.DELCHAIN)
    return textAttribute(message, from, NFTA_CHAIN_NAME);
  return undefined;
}

function textAttribute(message: MessageCursor, from: number, type: number): string | undefined {
  const span = attribute(message, from, message.end, type);
  return span === undefined
    ? undefined
    : message.chunk.bytes.toString('utf8', span.start, span.end).replace(/\0.*$/s, '');
}

function isForwardHook(message: MessageCursor, from: number): boolean {
  const hook = attribute(message, from, message.end, NFTA_CHAIN_HOOK);
  const number = hook === undefined ? undefined : attribute(message, hook.start, hook.end, NFTA_HOOK_HOOKNUM);
  if (number === undefined || number.end - number.start !== 4) return false;
  return message.chunk.bytes.readUInt32BE(number.start) === NF_INET_FORWARD;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The payload of the first attribute of this type within the bounds. */
function attribute({ chunk }: MessageCursor, from: number, end: number, type: number): Span | undefined {
  for (let at = from; end - at >= NLA_HDRLEN;) {
    const length = chunk.u16(at);
    if (length < NLA_HDRLEN || length > end - at) return undefined;
    if ((chunk.u16(at + 2) & NLA_TYPE_MASK) === type) return { start: at + NLA_HDRLEN, end: at + length };
    at += align4(length);
  }
  return undefined;
}
