// Bunyan behind the Logger type: JSON lines, or short readable ones when a person watches.
// The only file that knows bunyan. Redaction of options is flags.ts.

import bunyan from 'bunyan';
import type { LogFields, Logger } from '../logger.js';

export interface LogOptions {
  /** -v: 0 logs info and above, 1 and more debug too. May be set anew at any time. */
  verbosity: number;
  /** Readable lines instead of JSON. */
  readonly human: boolean;
  /** Where lines go; the daemon passes stderr. */
  readonly write: (line: string) => void;
}

const LEVELS: Readonly<Record<number, string>> = { 20: 'DEBUG', 30: 'INFO', 40: 'WARN', 50: 'ERROR' };
const ENVELOPE = new Set(['name', 'hostname', 'pid', 'level', 'msg', 'time', 'v']);

/** The options stay the caller's: a verbosity set there later holds from then on, for children too. */
export function createLogger(options: LogOptions): Logger {
  const stream = {
    write: (line: string) => {
      options.write(options.human ? readable(line) : line);
    },
  };
  const root = bunyan.createLogger({
    name: 'flanneld',
    level: 'debug',
    stream: stream as unknown as NodeJS.WritableStream,
    serializers: { err: serializeError },
  });
  return wrap(root, options);
}

function wrap(log: bunyan, options: Pick<LogOptions, 'verbosity'>): Logger {
  return {
    debug: (message, fields = {}) => {
      if (options.verbosity > 0) log.debug(fields, message);
    },
    info: (message, fields = {}) => {
      log.info(fields, message);
    },
    warn: (message, fields = {}) => {
      log.warn(fields, message);
    },
    error: (message, fields = {}) => {
      log.error(fields, message);
    },
    child: (fields: LogFields) => wrap(log.child(fields), options),
  };
}

/** Name, code, message and the chain of causes; the stack only where there is no code, that is, for our own faults. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : JSON.stringify(error);
  const code: unknown = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? { stack: error.stack } : { code }),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}

/** `12:34:56.789 INFO  message  field=value …`: what a person at a terminal reads. */
function readable(line: string): string {
  const record = JSON.parse(line) as Record<string, unknown>;
  const time = String(record['time']).slice(11, 23);
  const level = (LEVELS[Number(record['level'])] ?? String(record['level'])).padEnd(5);
  const fields = Object.entries(record)
    .filter(([name]) => !ENVELOPE.has(name))
    .map(([name, value]) => `  ${name}=${fieldText(value)}`);
  return `${time} ${level} ${String(record['msg'])}${fields.join('')}\n`;
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return /[\s"]/.test(value) ? JSON.stringify(value) : value;
  const message = (value as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? JSON.stringify(message) : JSON.stringify(value);
}
