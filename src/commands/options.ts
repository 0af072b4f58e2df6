// Options as the rows of index.ts declare them, and those that several commands share.

/** An option with a value. */
export const text = (describe: string, fallback?: string): object => ({
  type: 'string',
  requiresArg: true,
  describe,
  ...(fallback === undefined ? {} : { default: fallback }),
});

/** An option that is there or not. */
export const flag = (describe: string): object => ({ type: 'boolean', default: false, describe });

/** `--json`: every command has it. */
export const json = flag('print JSON');
/** `--network`, for those that look at networks. */
export const network = text('only the network of this name');
/** `--socket`, for those that ask the daemon. */
export const socket = text('unix socket of the daemon; without it every flanneld*.sock in /run/flannel');
/** `--yes`, for those that ask before they change something. */
export const yes = flag('do not ask');
