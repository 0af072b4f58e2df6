// What happened in a simulation, line by line with its virtual time: steps, and what the daemons said. Lines are made
// into text only when somebody wants to read them.

import type { LogFields, Logger } from '../../src/logger.js';

interface Line {
  readonly at: number;
  readonly who: string;
  readonly text: string;
  readonly fields?: LogFields;
}

export class Trace {
  readonly #lines: Line[] = [];
  readonly #now: () => number;

  /** `now` in milliseconds since the beginning. */
  constructor(now: () => number) {
    this.#now = now;
  }

  say(who: string, text: string, fields?: LogFields): void {
    this.#lines.push({ at: this.#now(), who, text, ...(fields !== undefined && { fields }) });
  }

  /** A daemon's logger: debug lines are left out, and what is repeated once a minute while it lasts. */
  logger(who: string): Logger {
    const say = (level: string) => (message: string, fields?: LogFields) => {
      if (!message.startsWith('still ')) this.say(who, `${level}: ${message}`, fields);
    };
    const logger: Logger = {
      debug: () => undefined,
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      child: () => logger,
    };
    return logger;
  }

  toString(): string {
    return this.#lines
      .map(({ at, who, text, fields = {} }) => `${moment(at)} ${who.padEnd(6)} ${text}${fieldsText(fields)}`)
      .join('\n');
  }
}

function fieldsText(fields: LogFields): string {
  const texts = Object.entries(fields).map(
    ([name, value]) => `${name}=${value instanceof Error ? value.message : String(value)}`,
  );
  return texts.length === 0 ? '' : ` (${texts.join(', ')})`;
}

/** `1d 02:03:04.005` */
export function moment(ms: number): string {
  const whole = Math.floor(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400_000),
    Math.floor(whole / 3_600_000) % 24,
    Math.floor(whole / 60_000) % 60,
  ];
  const seconds = `${two(Math.floor(whole / 1000) % 60)}.${String(whole % 1000).padStart(3, '0')}`;
  return `${days > 0 ? `${days}d ` : ''}${two(hours)}:${two(minutes)}:${seconds}`;
}
