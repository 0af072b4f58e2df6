// The error of a command: what to print, and with which code the process ends.

/** Why a command ended: `command-usage` is a wrong command line (exit code 2), `command-failed` anything else (1). */
export type CommandErrorCode = 'command-usage' | 'command-failed';

export class CommandError extends Error {
  readonly code: CommandErrorCode;

  constructor(code: CommandErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.code = code;
  }

  get exitCode(): 1 | 2 {
    return this.code === 'command-usage' ? 2 : 1;
  }
}

/** `command-failed` out of an error of the system: "cannot write /x: EACCES". */
export function failed(what: string, cause: unknown): CommandError {
  const isNamed = cause instanceof Error && 'code' in cause && typeof cause.code === 'string';
  const reason = isNamed ? String(cause.code) : cause instanceof Error ? cause.message : String(cause);
  return new CommandError('command-failed', `${what}: ${reason}`, { cause });
}
