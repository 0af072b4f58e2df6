// The text of the file `instance`: which lives of this daemon have had the folder, one a line, the newest last.
// Several, because a life may end after it was written down and before it was announced: the presence that still
// stands in the store is then that of the one before.

/** A crash loop of a restart a second for the 30 s that a presence lives, and as many again. */
const KEPT = 64;
const INSTANCE = /^[\x21-\x7e]{1,128}$/;
/** The longest text there can be. */
export const MAX_INSTANCES_BYTES = KEPT * 129;

/** Whether the text can stand for a life: 1 to 128 printable characters without a space. */
export function isInstance(text: string): boolean {
  return INSTANCE.test(text);
}

/** Reads the file's text, the newest life first; undefined when anything in it is not of ours. */
export function parseInstances(text: string): readonly string[] | undefined {
  if (!text.endsWith('\n')) return undefined;
  const lines = text.slice(0, -1).split('\n');
  return lines.length <= KEPT && lines.every(isInstance) ? lines.reverse() : undefined;
}

/** The text after one more life has begun. `earlier` has the newest first. */
export function renderInstances(earlier: readonly string[], instance: string): string {
  return [instance, ...earlier.slice(0, KEPT - 1)]
    .reverse()
    .map((line) => `${line}\n`)
    .join('');
}
