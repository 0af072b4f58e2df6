// A logger that hands on every line, and notes the newest warning or error in words for `flanneld status`.

import type { LogFields, Logger } from '../logger.js';

/** `note` is called with one line of people's text for each warning and each error. */
export function notingLogger(logger: Logger, note: (text: string) => void): Logger {
  return {
    debug: (message, fields) => {
      logger.debug(message, fields);
    },
    info: (message, fields) => {
      logger.info(message, fields);
    },
    warn: (message, fields) => {
      logger.warn(message, fields);
      note(textOf(message, fields));
    },
    error: (message, fields) => {
      logger.error(message, fields);
      note(textOf(message, fields));
    },
    child: (fields) => notingLogger(logger.child(fields), note),
  };
}

/** The message, and of the fields those that say what and why. */
function textOf(message: string, { key, object, peer, file, reason, remedy, err }: LogFields = {}): string {
  const cause = err instanceof Error ? err.message : undefined;
  const parts = [key, object, peer, file, reason, cause, remedy].filter(
    (part) => part !== undefined && part !== '',
  );
  return parts.length === 0 ? message : `${message}: ${[...new Set(parts)].join('; ')}`;
}
