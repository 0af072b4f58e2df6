// A logger that keeps what it was given, and the parts a client needs, for tests of the store side.

import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import type { LogFields, Logger } from '../../src/logger.js';

export class KeptLog implements Logger {
  readonly lines: string[] = [];

  debug(message: string, fields: LogFields = {}): void {
    this.#keep('debug', message, fields);
  }
  info(message: string, fields: LogFields = {}): void {
    this.#keep('info', message, fields);
  }
  warn(message: string, fields: LogFields = {}): void {
    this.#keep('warn', message, fields);
  }
  error(message: string, fields: LogFields = {}): void {
    this.#keep('error', message, fields);
  }
  child(): Logger {
    return this;
  }

  #keep(level: string, message: string, fields: LogFields): void {
    const err = fields.err instanceof Error ? ` ${fields.err.stack ?? fields.err.message}` : '';
    this.lines.push(`${level} ${message} ${JSON.stringify(fields)}${err}`);
  }
}

/** Real time and chance, a kept log, fresh counters. */
export function testParts(): {
  clock: typeof systemClock;
  random: () => number;
  logger: KeptLog;
  counters: Counters;
} {
  return { clock: systemClock, random: Math.random, logger: new KeptLog(), counters: new Counters() };
}
