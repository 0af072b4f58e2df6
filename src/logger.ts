// The logging vocabulary: which fields a log line may carry, and the shape of a logger.
// Types only; src/flanneld/log.ts is the one implementation, and the only file that knows bunyan.

/**
 * Every field a log line may carry. Messages are constant sentences, values go here; a field that is
 * not in this list does not compile, so the vocabulary stays small enough to search for.
 */
export interface LogFields {
  readonly network?: string;
  readonly subnet?: string;
  readonly peer?: string;
  readonly publicIp?: string;
  readonly backend?: string;
  readonly iface?: string;
  readonly device?: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly endpoint?: string;
  readonly key?: string;
  readonly revision?: string;
  readonly ttlSeconds?: number;
  readonly file?: string;
  readonly op?: string;
  readonly object?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly remedy?: string;
  readonly signal?: string;
  readonly state?: string;
  readonly former?: string;
  readonly count?: number;
  readonly seconds?: number;
  readonly until?: string;
  readonly returned?: number;
  readonly gone?: number;
  readonly version?: string;
  readonly codeCache?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly err?: unknown;
}

/** A logger takes a constant sentence and its values. Children add fields to every line of theirs. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}
