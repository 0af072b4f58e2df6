// One rule as iptables-save writes it: split into words, options and their values, and brought into a form that can
// be compared. It decides nothing; what a rule means to us is ownership.ts and plan.ts.

import { addressBits, cidrOf, familyOf, parseCidr, parseIp, type Cidr } from '../../subnet/cidr.js';

/** One option with its values: `! -s 10.5.0.0/16`, `-m comment`, `--random-fully`. */
interface RuleOption {
  readonly negated: boolean;
  readonly flag: string;
  readonly values: readonly string[];
}

export interface Rule {
  /** What follows `-A CHAIN `, as it was written; good for `-D CHAIN …`. */
  readonly spec: string;
  readonly options: readonly RuleOption[];
  /** Equal for rules that say the same, in whatever order and spelling of prefixes. */
  readonly key: string;
}

/** Options whose next word is their value whatever it looks like: a comment may be `-j` or `!`. */
const ONE_VALUE = new Set(['-m', '-s', '-d', '-j', '-g', '-i', '-o', '-p', '--comment']);

/** Reads the words after `-A CHAIN`. A rule that cannot be split is equal to its own text only. */
export function parseRule(spec: string): Rule {
  const words = splitWords(spec);
  if (words === undefined) return { spec, options: [], key: `unreadable ${spec}` };
  const options = splitOptions(words);
  const keys = options.map(({ negated, flag, values }) => [negated ? '!' : '', flag, ...values].join('\0'));
  return { spec, options, key: keys.sort().join('\n') };
}

/** The chain or verdict of `-j` or `-g`. */
export function targetOf(rule: Rule): string | undefined {
  return rule.options.find(({ flag }) => flag === '-j' || flag === '-g')?.values[0];
}

/** The prefixes of `-s` and `-d`, negated ones too. */
export function prefixesOf(rule: Rule): Cidr[] {
  return rule.options
    .filter(({ flag }) => flag === '-s' || flag === '-d')
    .flatMap(({ values: [value = ''] }) => parseCidr(value) ?? []);
}

export function commentOf(rule: Rule): string | undefined {
  return rule.options.find(({ flag }) => flag === '--comment')?.values[0];
}

/** Whether the rule matches every packet: no option but a comment, its target, and the flags in `also`. */
export function isUnconditional(rule: Rule, also: readonly string[] = []): boolean {
  const harmless = ['--comment', '-j', ...also];
  return (
    rule.options.length > 0 &&
    rule.options.every(
      ({ flag, values }) => harmless.includes(flag) || (flag === '-m' && values[0] === 'comment'),
    )
  );
}

// Quotes and backslashes as iptables-restore reads them: a backslash escapes inside quotes only.
function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    let char = text.charAt(index);
    if (char === '"') {
      quoted = !quoted;
      word ??= '';
      continue;
    }
    if (!quoted && (char === ' ' || char === '\t')) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (quoted && char === '\\') char = text.charAt(++index);
    word = (word ?? '') + char;
  }
  if (quoted) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

function splitOptions(words: readonly string[]): RuleOption[] {
  const options: { negated: boolean; flag: string; values: string[] }[] = [];
  let negated = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const last = options.at(-1);
    if (word === '!') {
      negated = true;
    } else if (word.startsWith('-') || last === undefined) {
      const values: string[] = [];
      if (ONE_VALUE.has(word)) values.push(canonical(word, words[++index] ?? ''));
      options.push({ negated, flag: word, values });
      negated = false;
    } else {
      last.values.push(word);
    }
  }
  return options;
}

function canonical(flag: string, value: string): string {
  if (flag !== '-s' && flag !== '-d') return value;
  const address = parseIp(value);
  if (address !== undefined) return cidrOf(address, addressBits(familyOf(address)));
  return parseCidr(value) ?? value;
}
