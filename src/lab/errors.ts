// The one error class of the lab, and how a failed command is put into words.
// Knows nothing of namespaces or daemons.

export type LabErrorCode = 'COMMAND_FAILED' | 'TIMED_OUT' | 'CLOSED' | 'BAD_OUTPUT' | 'MISSING_NEED';

/** Anything the lab could not do. `code` is for callers, the message names object, reason and remedy. */
export class LabError extends Error {
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LabError';
    this.code = code;
  }
}

/** The text of whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
