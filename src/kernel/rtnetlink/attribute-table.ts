// Attribute tables: one row an attribute, used by the encoder and the decoder alike, and the source of the types.
// The rows themselves stand in attributes.ts, the value types in attribute-types.ts.

import { align4, NLA_HDRLEN } from './align.js';
import { NLA_TYPE_MASK } from './constants.js';
import type { Chunk } from './reader.js';
import type { MessageWriter } from './writer.js';

/** How a value is written as payload and read back. */
export interface AttributeType<T> {
  write(writer: MessageWriter, value: T): void;
  /** The payload is bytes `start` to `end`. Undefined when it is not of this type: the attribute counts as absent. */
  read(chunk: Chunk, start: number, end: number): T | undefined;
}

/** `name: [number of the attribute, type of its value]`. */
export type Rows = Readonly<Record<string, readonly [number, AttributeType<unknown>]>>;

/** The attributes of a message as an object; absent ones are undefined. */
export type ValuesOf<R extends Rows> = {
  readonly [K in keyof R]?: (R[K][1] extends AttributeType<infer T> ? T : never) | undefined;
};

/** The object type of a table: what its write takes and its read gives. */
export type AttributesOf<T> = T extends AttributeTable<infer R> ? ValuesOf<R> : never;

export class AttributeTable<R extends Rows> {
  readonly #rows: R;
  readonly #byNumber: (readonly [string, AttributeType<unknown>] | undefined)[] = [];

  constructor(rows: R) {
    this.#rows = rows;
    for (const [name, [number, type]] of Object.entries(rows)) this.#byNumber[number] = [name, type];
  }

  /** Appends the attributes that are not undefined, in the order of the object. */
  write(writer: MessageWriter, values: ValuesOf<R>): void {
    for (const name in values) {
      const value: unknown = values[name];
      const row = this.#rows[name];
      if (value === undefined || row === undefined) continue;
      const start = writer.beginAttribute(row[0]);
      row[1].write(writer, value);
      writer.endAttribute(start);
    }
  }

  /**
   * Reads the attributes in bytes `start` to `end`. Ones without a row, and ones whose payload does not fit their
   * type, are passed over. Undefined when the bytes are not a row of attributes at all.
   */
  read(chunk: Chunk, start: number, end: number): ValuesOf<R> | undefined {
    const values: Record<string, unknown> = {};
    let position = start;
    // Fewer than four bytes at the end are padding.
    while (end - position >= NLA_HDRLEN) {
      const length = chunk.u16(position);
      if (length < NLA_HDRLEN || length > end - position) return undefined;
      const row = this.#byNumber[chunk.u16(position + 2) & NLA_TYPE_MASK];
      if (row !== undefined) {
        const value = row[1].read(chunk, position + NLA_HDRLEN, position + length);
        if (value !== undefined) values[row[0]] = value;
      }
      position += align4(length);
    }
    return values as ValuesOf<R>;
  }
}
