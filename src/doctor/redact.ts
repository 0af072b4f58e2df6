// Takes secrets out of text: values that are known to be secret, wherever they stand, and what looks like one by its name
// or its form. Pure. It rather takes out too much.

const REMOVED = '[removed]';
/** A shorter value would stand in half of all words. */
const SHORTEST = 4;

// Every repetition has a bound or ends at its first character of another kind: a hostile line of megabytes takes no minutes.
const NAME =
  '(?:pass(?:word|wd|phrase)|secret|token|private[-_ ]?key|preshared[-_ ]?key|authorization|credential)';
const WORD = '[\\w.-]{0,64}';
const QUOTED = `"(?:[^"\\\\]|\\\\.){0,4096}"|'[^']{0,4096}'`;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // A key that is cut off has no end.
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g, REMOVED],
  // User and password of a URL; a password may hold anything but a blank.
  [/(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>]{0,1024}@/gi, `$1${REMOVED}@`],
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, REMOVED],
  [/\b(Bearer|Basic)\s{1,8}[\w.~+/=-]{8,}/gi, `$1 ${REMOVED}`],
  // "etcd-password": "…" in JSON, also in JSON that is a text in JSON.
  [
    new RegExp(
      `(\\\\?"[^"\\\\]{0,64}${NAME}[^"\\\\]{0,64}\\\\?"\\s{0,8}:\\s{0,8})(?:\\\\"[^]{0,4096}?\\\\"|${QUOTED}|[^\\s,}\\]]+)`,
      'gi',
    ),
    `$1"${REMOVED}"`,
  ],
  // FLANNELD_ETCD_PASSWORD=…, password: …
  [new RegExp(`(${WORD}${NAME}${WORD}\\s{0,8}[=:]\\s{0,8})(?:${QUOTED}|[^\\s"',;]+)`, 'gi'), `$1${REMOVED}`],
  // -etcd-password …
  [new RegExp(`(\\s--?${WORD}${NAME}${WORD}\\s{1,8})(?:${QUOTED}|[^\\s"',;]+)`, 'gi'), `$1${REMOVED}`],
];

/** A function that takes these values out, in the forms in which they may stand in text, and whatever looks secret. */
export function redactor(known: Iterable<string>): (text: string) => string {
  const forms = new Set([...known].filter((value) => value.length >= SHORTEST).flatMap(formsOf));
  // The longest first: one may be a part of another.
  const values = [...forms].sort((a, b) => b.length - a.length);
  return (text) => {
    const without = values.reduce((rest, value) => rest.replaceAll(value, REMOVED), text);
    return PATTERNS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), without);
  };
}

/** As it is, in JSON, in JSON within JSON, in a URL, in base64. */
function formsOf(value: string): readonly string[] {
  const json = JSON.stringify(value).slice(1, -1);
  return [
    value,
    json,
    JSON.stringify(json).slice(1, -1),
    encodeURIComponent(value),
    Buffer.from(value).toString('base64'),
  ];
}
