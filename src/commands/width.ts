// How many columns of a terminal a text takes. Pure; texts here have no control characters any more.

/** Wide: CJK, Hangul, full-width forms, most emoji. A terminal that sees it otherwise only aligns a little worse. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u;

export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text);
  let width = 0;
  for (const { segment } of graphemes) width += WIDE.test(segment) ? 2 : /^\p{M}+$/u.test(segment) ? 0 : 1;
  return width;
}
