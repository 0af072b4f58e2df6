// A logger for what commands use of the daemon: warnings and errors are told as a line, the rest is not.

import type { LogFields, Logger } from '../logger.js';
import type { CommandIo } from './command.js';

export function toldLogger(io: Pick<CommandIo, 'err'>): Logger {
  const tell = (message: string, fields: LogFields = {}): void => {
    const { object, reason, err } = fields;
    const why = reason ?? (err instanceof Error ? err.message : undefined);
    const about = [object, why].filter((part) => part !== undefined);
    io.err(`flanneld: ${message}${about.length === 0 ? '' : ` (${about.join(': ')})`}\n`);
  };
  const drop = (): void => undefined;
  const logger: Logger = { debug: drop, info: drop, warn: tell, error: tell, child: () => logger };
  return logger;
}
