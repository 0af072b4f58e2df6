// The state folder (`dataDir`): a record an attachment, and beside it, for a rollback, the file that upstream's plugin would
// look for, which has room for one interface of a container. Order of writing and removing is here; when, is add.ts and del.ts.

import { closeSync, constants, fsyncSync, linkSync, mkdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CniError, errnoOf, ioError } from './errors.js';
import { createFile, namesIn, readBounded, syncFolder } from './files.js';
import {
  attachmentOf,
  COMPLETE,
  COMPLETE_OFFSET,
  MAX_RECORD_BYTES,
  parseRecordText,
  recordFileName,
  renderRecord,
  type AttachmentRecord,
  type StoredRecord,
} from './record.js';

/** What a folder has of an attachment, and in which file. */
export type Found =
  | { readonly kind: 'record'; readonly path: string; readonly record: StoredRecord }
  | { readonly kind: 'unreadable'; readonly path: string }
  | { readonly kind: 'absent'; readonly path: string };

/** A record that has just been made. */
export interface NewRecord {
  /** Says that the delegate has answered. A record that is gone meanwhile stays gone. */
  complete(): void;
}

/** The state folder of one network, or of several. Every method throws CniError `io`. */
export class StateFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Keeps a record, on disk when this returns. Undefined when there is one of this attachment: of two calls at once,
   * one makes it.
   */
  create(record: AttachmentRecord): NewRecord | undefined {
    const { containerId, ifname } = record;
    const path = join(this.path, recordFileName(containerId, ifname));
    return this.#guard('write', path, () => {
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
      const temporary = this.#temporary(containerId, ifname, 'record');
      const fd = createFile(temporary, renderRecord(record));
      try {
        fsyncSync(fd);
        if (!linked(temporary, path)) {
          closeSync(fd);
          return undefined;
        }
      } finally {
        rmSync(temporary, { force: true });
      }
      this.#offer(record);
      syncFolder(this.path);
      return {
        complete: () => {
          // Over the same bytes of the same file: nothing to tear, and nothing comes back that was removed.
          writeSync(fd, COMPLETE, COMPLETE_OFFSET, 'latin1');
          closeSync(fd);
        },
      };
    });
  }

  find(containerId: string, ifname: string): Found {
    const path = join(this.path, recordFileName(containerId, ifname));
    const text = this.#read(path);
    if (text === undefined) return { kind: 'absent', path };
    const record = text === '' ? undefined : parseRecordText(text, containerId, ifname);
    return record === undefined ? { kind: 'unreadable', path } : { kind: 'record', path, record };
  }

  /** Everything found in the folder that is a record by its name. */
  all(): readonly (Found & { readonly containerId: string; readonly ifname: string })[] {
    return this.#guard('read', this.path, () => namesIn(this.path)).flatMap((name) => {
      const attachment = attachmentOf(name);
      if (attachment === undefined) return [];
      return [{ ...this.find(attachment.containerId, attachment.ifname), ...attachment }];
    });
  }

  /**
   * The text of upstream's file of this container, where upstream's plugin wrote it: one that equals a record of ours is
   * only there for a rollback.
   */
  upstreams(containerId: string): { readonly path: string; readonly text: string } | undefined {
    const path = join(this.path, containerId);
    const text = this.#read(path);
    if (text === undefined || this.#recordsOf(containerId).some(({ conf }) => conf === text))
      return undefined;
    return { path, text };
  }

  /** Removes a record, and what was left of earlier attempts. The record goes last: until then all can be repeated. */
  remove(record: AttachmentRecord): void {
    const { containerId, ifname } = record;
    const path = join(this.path, recordFileName(containerId, ifname));
    this.#guard('remove', path, () => {
      this.#withdraw(record);
      this.sweep(containerId, ifname);
      rmSync(path, { force: true });
    });
  }

  /** Removes one file, whatever it is. */
  removeFile(path: string): void {
    this.#guard('remove', path, () => {
      rmSync(path, { force: true });
    });
  }

  /** Removes temporary files that a killed call for this attachment has left. */
  sweep(containerId: string, ifname: string): void {
    const start = `.${recordFileName(containerId, ifname)}.`;
    for (const name of this.#guard('read', this.path, () => namesIn(this.path))) {
      if (name.startsWith(start) && name.endsWith('.tmp')) rmSync(join(this.path, name), { force: true });
    }
  }

  /** Writes upstream's file unless there is one: the first interface has it. */
  #offer({ containerId, ifname, conf }: AttachmentRecord): void {
    const temporary = this.#temporary(containerId, ifname, 'upstream');
    closeSync(createFile(temporary, conf));
    linked(temporary, join(this.path, containerId));
    rmSync(temporary, { force: true });
  }

  /** Upstream's file, if it is this record's (or empty, after a crash), goes, or becomes that of another interface. */
  #withdraw({ containerId, ifname, conf }: AttachmentRecord): void {
    const path = join(this.path, containerId);
    const text = this.#read(path);
    if (text !== conf && text !== '') return;
    const others = this.#recordsOf(containerId).filter((record) => record.ifname !== ifname);
    const [next] = others;
    if (next === undefined) rmSync(path, { force: true });
    if (next === undefined || others.some((other) => other.conf === text)) return;
    const temporary = this.#temporary(containerId, ifname, 'upstream');
    closeSync(createFile(temporary, next.conf));
    renameSync(temporary, path);
  }

  #recordsOf(containerId: string): readonly StoredRecord[] {
    return this.all().flatMap((found) =>
      found.kind === 'record' && found.containerId === containerId ? [found.record] : [],
    );
  }

  #temporary(containerId: string, ifname: string, what: string): string {
    return join(this.path, `.${recordFileName(containerId, ifname)}.${what}.${process.pid}.tmp`);
  }

  /** The text of a file; undefined when there is none, empty when it is no plain file or too long. */
  #read(path: string): string | undefined {
    try {
      return readBounded(path, MAX_RECORD_BYTES, constants.O_NOFOLLOW) ?? '';
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
      if (errnoOf(error) === 'ELOOP') return '';
      throw ioError('open', path, error);
    }
  }

  #guard<T>(operation: string, path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw error instanceof CniError ? error : ioError(operation, path, error);
    }
  }
}

/** Gives a file a second name; false when something has that name. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}
