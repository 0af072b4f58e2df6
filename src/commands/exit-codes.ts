// The exit codes of `flanneld <command>`: docs/cli.md and the man page have them from here.

export const EXIT_CODES = {
  0: 'it did what it was asked to',
  1: 'it failed; one line on stderr says why',
  2: 'the command line is wrong',
  3: 'no daemon gave an answer that can be used, or not every one did',
  4: '`status`, `doctor`: a network is not ready, or a check failed',
} as const;

export const EXIT = { fine: 0, failed: 1, usage: 2, noDaemon: 3, notReady: 4 } as const satisfies Record<
  string,
  keyof typeof EXIT_CODES
>;
