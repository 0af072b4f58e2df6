// Text that is kept for long, in one piece.

/**
 * Joins the parts. A template does the same, but V8 keeps its parts as a tree for as long as the text lives: three times the
 * memory, which with thousands of peers is MiB. For what is kept: keys of maps, addresses.
 */
export function flatText(...parts: readonly (string | number)[]): string {
  return parts.join('');
}
