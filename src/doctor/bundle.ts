// What goes into a support bundle: one row a file, with how its text is come by. Nothing is written here, and no secret
// leaves: every text passes the redactor. A part that fails is a file that says why.

import type { Clock } from '../clock.js';
import { sleep } from '../clock.js';
import type { ToolRunner } from '../kernel/tool.js';
import { readText } from './read-text.js';

/** One file of the bundle. */
export interface BundlePart {
  /** Its path within the bundle. */
  readonly name: string;
  readonly read: () => Promise<string>;
}

export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

/** Of one file; what is longer is cut, and says so. */
const PART_LIMIT = 4 * 1024 * 1024;
/** Of all files together; what comes after is left out, and says so. */
const TOTAL_LIMIT = 48 * 1024 * 1024;
const PART_MS = 10_000;
/** In one file name: names of networks come from etcd. */
const FIT = /[^A-Za-z0-9_.-]/g;

/** Reads the parts one after another, so that the host is not disturbed more than it has to be. Never rejects. */
export async function readParts(
  parts: readonly BundlePart[],
  {
    clock,
    redact,
    progress,
  }: {
    readonly clock: Clock;
    readonly redact: (text: string) => string;
    readonly progress: (what: string) => void;
  },
  signal?: AbortSignal,
): Promise<readonly BundleFile[]> {
  const files: BundleFile[] = [];
  let total = 0;
  for (const { name, read } of parts) {
    if (signal?.aborted === true) break;
    progress(name);
    const text =
      total >= TOTAL_LIMIT ? 'not collected: the bundle is large enough\n' : await textOf(read, clock);
    // Redacted before it is cut: half a secret is not found any more.
    const clean = cut(redact(text));
    total += clean.length;
    files.push({ name, text: clean });
  }
  return files;
}

/** A tool's output, or what it complained about. */
export function toolPart(
  name: string,
  tool: Pick<ToolRunner, 'run'>,
  command: string,
  ...args: readonly string[]
): BundlePart {
  return {
    name,
    read: async () => {
      const { code, stdout, stderr } = await tool.run(command, args, { timeoutMs: PART_MS / 2 });
      const failed = code === 0 ? '' : `exit code ${code}\n`;
      return `$ ${[command, ...args].join(' ')}\n${stdout}${failed}${stderr}`;
    },
  };
}

export function filePart(name: string, path: string): BundlePart {
  return {
    name,
    read: async () => {
      const text = await readText(path, PART_LIMIT);
      return text === undefined ? `there is no ${path}\n` : text;
    },
  };
}

/** Fit for a file name of the bundle. */
export function fileName(text: string): string {
  return text.replace(FIT, '-').replace(/^\.+/, '-').slice(0, 100);
}

async function textOf(read: () => Promise<string>, clock: Clock): Promise<string> {
  const over = new AbortController();
  try {
    const late = sleep(clock, PART_MS, over.signal).then(
      () => `not collected: no end within ${PART_MS / 1_000} s\n`,
    );
    return await Promise.race([read(), late]);
  } catch (error) {
    return `not collected: ${error instanceof Error ? error.message : String(error)}\n`;
  } finally {
    over.abort();
  }
}

function cut(text: string): string {
  if (text.length <= PART_LIMIT) return text;
  return `${text.slice(0, PART_LIMIT)}\n[cut here: ${text.length - PART_LIMIT} characters more]\n`;
}
