// What the plugin is given from outside: its environment, where the daemon's files lie, the way to wait and to speak. The real
// ones are handed out by main.ts.

import type { Environment } from './invocation.js';

export interface PluginParts {
  readonly env: Environment;
  /** All of stdin, once. Throws CniError. */
  readonly readConfig: () => string;
  /** One line on stderr. */
  readonly tell: (line: string) => void;
  /** Bytes of a delegate on stderr. */
  readonly passOn: (bytes: Buffer) => void;
  /** Waits this many milliseconds, and does nothing meanwhile. */
  readonly pause: (ms: number) => void;
  /** Where uses are kept, and the daemon's status files. */
  readonly usesRoot: string;
  readonly subnetDir: string;
  /** Of this program, for people. */
  readonly version: string;
}
