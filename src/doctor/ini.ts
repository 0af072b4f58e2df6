// The files of systemd and NetworkManager: sections of `Key=value`, and what their globs mean. Pure.

export interface IniEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** In the order of the file; comments and what is neither are passed over. */
export function readIni(text: string): readonly IniEntry[] {
  let section = '';
  const entries: IniEntry[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line.startsWith('#') || line.startsWith(';')) continue;
    const head = /^\[([^\]]*)\]$/.exec(line)?.[1];
    if (head !== undefined) section = head;
    const at = line.indexOf('=');
    if (head !== undefined || at <= 0) continue;
    entries.push({ section, key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() });
  }
  return entries;
}

/** The values of a key; an empty one takes back those before it. */
export function valuesOf(entries: readonly IniEntry[], section: string, key: string): readonly string[] {
  const values = entries
    .filter((entry) => entry.section === section && entry.key === key)
    .map(({ value }) => value);
  return values.slice(values.lastIndexOf('') + 1);
}

/** `*`, `?` and `[…]` as in a shell. What is no glob matches itself. */
export function matchesGlob(glob: string, name: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  try {
    return new RegExp(`^${pattern}$`).test(name);
  } catch {
    // An unclosed bracket.
    return glob === name;
  }
}
