// Words of a command line by the rules of the shell's getopts: letters may stand together, and a value may follow its letter
// without a blank. Pure; for commands that take the place of a script.

/**
 * Writes each option as a word of its own: `-ic` becomes `-i -c`, `-f/x` becomes `-f /x`. What is no option of one of the
 * given letters, and all that follows it, stays as it is.
 */
export function separateOptions(words: readonly string[], valued: string, plain: string): readonly string[] {
  const separate: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const letters = lettersOf(words[index] ?? '', valued, plain);
    if (letters === undefined) return [...separate, ...words.slice(index)];
    separate.push(...letters);
    const last = letters.at(-1) ?? '';
    // The value is the next word, whatever it looks like.
    const wantsValue = last.length === 2 && valued.includes(last.charAt(1));
    if (wantsValue && index + 1 < words.length) separate.push(words[++index] ?? '');
  }
  return separate;
}

function lettersOf(word: string, valued: string, plain: string): readonly string[] | undefined {
  if (!/^-[^-]/.test(word) || word === '-help') return undefined;
  const letters: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    if (!plain.includes(letter) && !valued.includes(letter)) return undefined;
    letters.push(`-${letter}`);
    if (!valued.includes(letter)) continue;
    const value = word.slice(at + 1);
    return value === '' ? letters : [...letters, value];
  }
  return letters;
}
