// The types of attribute values: how each is written and read. Reading accepts exactly the sizes of the type.
// Which attribute has which type stands in attributes.ts.

import { bytesToIp, ipToBytes, type Ip } from '../../subnet/cidr.js';
import type { Mac } from '../kernel.js';
import { align4 } from './align.js';
import type { AttributeTable, AttributeType, Rows, ValuesOf } from './attribute-table.js';
import { AF } from './constants.js';
import type { Chunk } from './reader.js';

const utf8 = new TextEncoder();

/** One byte, 0 or 1. */
export const bool: AttributeType<boolean> = {
  write: (writer, value) => {
    writer.u8(value ? 1 : 0);
  },
  read: (chunk, start, end) => (end - start === 1 ? chunk.u8(start) !== 0 : undefined),
};

export const u8: AttributeType<number> = {
  write: (writer, value) => {
    writer.u8(value);
  },
  read: (chunk, start, end) => (end - start === 1 ? chunk.u8(start) : undefined),
};

export const u32: AttributeType<number> = {
  write: (writer, value) => {
    writer.u32(value);
  },
  read: (chunk, start, end) => (end - start === 4 ? chunk.u32(start) : undefined),
};

/** 16 bits in network byte order, for UDP ports. */
export const u16be: AttributeType<number> = {
  write: (writer, value) => {
    writer.u8(value >> 8);
    writer.u8(value & 0xff);
  },
  read: (chunk, start, end) => (end - start === 2 ? chunk.u8(start) * 256 + chunk.u8(start + 1) : undefined),
};

/** Present (true) or absent, without payload. With a payload the kernel answers ERANGE. */
export const flag: AttributeType<true> = {
  write: () => undefined,
  read: () => true,
};

/** Text with a NUL behind it (NLA_NUL_STRING). */
export const textNul: AttributeType<string> = {
  write: (writer, value) => {
    writer.bytes(utf8.encode(value));
    writer.u8(0);
  },
  read: readText,
};

/** Text without a NUL (NLA_STRING); in answers the kernel adds one all the same. */
export const text: AttributeType<string> = {
  write: (writer, value) => {
    writer.bytes(utf8.encode(value));
  },
  read: readText,
};

function readText(chunk: Chunk, start: number, end: number): string {
  const nul = chunk.bytes.indexOf(0, start);
  return chunk.bytes.toString('utf8', start, nul >= 0 && nul < end ? nul : end);
}

/** An IPv4 or IPv6 address, told apart by its size. */
export const ip: AttributeType<Ip> = {
  write: (writer, value) => {
    writer.bytes(ipToBytes(value));
  },
  read: (chunk, start, end) => {
    const size = end - start;
    return size === 4 || size === 16 ? bytesToIp(chunk.bytes.subarray(start, end)) : undefined;
  },
};

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A link-layer address of six bytes; tunnels and InfiniBand have other sizes and count as having none. */
export const mac: AttributeType<Mac> = {
  write: (writer, value) => {
    for (let index = 0; index < 17; index += 3) writer.u8(Number.parseInt(value.slice(index, index + 2), 16));
  },
  read: (chunk, start, end) => {
    if (end - start !== 6) return undefined;
    return Array.from(chunk.bytes.subarray(start, end), (byte) => HEX[byte]).join(':') as Mac;
  },
};

/** linux/rtnetlink.h: struct rtvia { __kernel_sa_family_t rtvia_family; __u8 rtvia_addr[]; } */
export const via: AttributeType<Ip> = {
  write: (writer, value) => {
    writer.u16(value.includes(':') ? AF.INET6 : AF.INET);
    writer.bytes(ipToBytes(value));
  },
  read: (chunk, start, end) => ip.read(chunk, start + 2, end),
};

/** Attributes inside an attribute. */
export function nested<R extends Rows>(table: AttributeTable<R>): AttributeType<ValuesOf<R>> {
  return {
    write: (writer, value) => {
      table.write(writer, value);
    },
    read: (chunk, start, end) => table.read(chunk, start, end),
  };
}

/**
 * A row of next hops, each with attributes.
 * linux/rtnetlink.h: struct rtnexthop { __u16 rtnh_len; __u8 rtnh_flags; __u8 rtnh_hops; int rtnh_ifindex; }
 */
export function nexthops<R extends Rows>(
  table: AttributeTable<R>,
): AttributeType<readonly (ValuesOf<R> & { readonly link: number })[]> {
  return {
    write: (writer, hops) => {
      for (const { link, ...values } of hops) {
        const start = writer.length;
        writer.u32(0);
        writer.u32(link);
        table.write(writer, values as ValuesOf<R>);
        writer.patchU16(start, writer.length - start);
      }
    },
    read: (chunk, start, end) => {
      const hops: (ValuesOf<R> & { readonly link: number })[] = [];
      let position = start;
      while (end - position >= 8) {
        const length = chunk.u16(position);
        if (length < 8 || length > end - position) return undefined;
        const values = table.read(chunk, position + 8, position + length);
        if (values === undefined) return undefined;
        hops.push({ ...values, link: chunk.i32(position + 4) });
        position += align4(length);
      }
      return hops;
    },
  };
}
