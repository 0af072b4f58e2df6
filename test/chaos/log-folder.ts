// Whole logs of a run in a folder, for whoever looks into a violation: a file a daemon's host, one for what happens in
// etcd. Without a folder nothing is kept.

import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface LogFolder {
  /** Adds a line to the file `name`.log. */
  readonly keep: (name: string, line: string) => void;
}

/** Makes the folder; files that are there already are added to. */
export function openLogFolder(folder: string | undefined): LogFolder {
  if (folder === undefined) return { keep: () => undefined };
  mkdirSync(folder, { recursive: true });
  return {
    keep: (name, line) => {
      appendFileSync(join(folder, `${name}.log`), line + '\n');
    },
  };
}
