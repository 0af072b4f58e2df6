// What a base chain of somebody else does to the overlay's packets: accept, drop, or leave to the next: pure.
// It follows jumps and takes for known only what is certain; a rule it cannot judge is passed over.

import type { JsonObject, JsonValue } from '../../json.js';
import { contains, parseCidr, parseIp, type Cidr } from '../../subnet/cidr.js';
import { isArray, isObject } from './expression.js';
import type { ListedChain, ListedRule } from './listing.js';

/** A class of packets: all from the range, or all to it. */
export interface PacketClass {
  readonly field: 'saddr' | 'daddr';
  readonly range: Cidr;
}

/** `none`: the packets come to the end of the chain. */
export type Verdict = 'accept' | 'drop' | 'none';

const DEPTH_LIMIT = 16;
/** How many rules are looked at before giving up; a chain that needs more is taken for undecided. */
const RULE_LIMIT = 20_000;
const VERDICTS = ['accept', 'drop', 'reject', 'return', 'jump', 'goto', 'queue'] as const;

/** What the base chain does in the end, its policy included. */
export function verdictOf(base: ListedChain, table: readonly ListedChain[], packets: PacketClass): Verdict {
  const walk = new Walk(new Map(table.map((chain) => [chain.name, chain])), packets);
  const verdict = walk.chain(base, 0);
  if (verdict !== 'none') return verdict;
  return base.policy === 'drop' && !walk.exhausted ? 'drop' : 'none';
}

class Walk {
  readonly #chains: ReadonlyMap<string, ListedChain>;
  readonly #packets: PacketClass;
  /** Each chain is judged once, however many rules lead to it; one that leads to itself has no say. */
  readonly #verdicts = new Map<string, Verdict>();
  #left = RULE_LIMIT;

  constructor(chains: ReadonlyMap<string, ListedChain>, packets: PacketClass) {
    this.#chains = chains;
    this.#packets = packets;
  }

  get exhausted(): boolean {
    return this.#left <= 0;
  }

  chain(chain: ListedChain, depth: number): Verdict {
    for (const rule of chain.rules) {
      if (this.#left-- <= 0 || depth > DEPTH_LIMIT) return 'none';
      if (!applies(rule, this.#packets)) continue;
      const [kind, target] = verdictIn(rule);
      if (kind === 'accept' || kind === 'drop') return kind;
      if (kind === 'reject') return 'drop';
      if (kind === 'return') return 'none';
      if (kind !== 'jump' && kind !== 'goto') continue;
      const verdict = this.#judged(target ?? '', depth + 1);
      if (verdict !== 'none' || kind === 'goto') return verdict;
    }
    return 'none';
  }

  #judged(name: string, depth: number): Verdict {
    const known = this.#verdicts.get(name);
    const next = this.#chains.get(name);
    if (known !== undefined || next === undefined) return known ?? 'none';
    this.#verdicts.set(name, 'none');
    const verdict = this.chain(next, depth);
    this.#verdicts.set(name, verdict);
    return verdict;
  }
}

function verdictIn({ expressions }: ListedRule): readonly [string | undefined, string | undefined] {
  const last = expressions.at(-1);
  if (!isObject(last)) return [undefined, undefined];
  const kind = VERDICTS.find((name) => last[name] !== undefined);
  const content = kind === undefined ? undefined : last[kind];
  const target = isObject(content) && typeof content['target'] === 'string' ? content['target'] : undefined;
  const xt = last['xt'];
  // Targets of iptables that nft has no word for.
  if (isObject(xt) && xt['type'] === 'target' && (xt['name'] === 'REJECT' || xt['name'] === 'DROP'))
    return ['reject', undefined];
  return [kind, target];
}

type Truth = 'true' | 'false' | 'interface' | 'unknown';

/**
 * Whether the rule is for all packets of the class. A rule that names the range and, beside it, only interfaces
 * counts as well: that is how a zone of firewalld, or an administrator, provides for an overlay.
 */
function applies(rule: ListedRule, packets: PacketClass): boolean {
  let named = false;
  let interfaces = false;
  for (const expression of rule.expressions) {
    const truth = isObject(expression) ? truthOf(expression, packets) : 'unknown';
    if (truth === 'unknown' || truth === 'false') return false;
    if (truth === 'interface') interfaces = true;
    else named ||= isObject(expression) && isObject(expression['match']);
  }
  return named || !interfaces;
}

const HARMLESS = new Set(['counter', 'log', 'comment', 'mangle', 'notrack', ...VERDICTS]);

function truthOf(expression: JsonObject, packets: PacketClass): Truth {
  const [kind] = Object.keys(expression);
  if (kind === undefined) return 'true';
  if (HARMLESS.has(kind)) return 'true';
  const xt = expression['xt'];
  if (isObject(xt)) return xt['type'] === 'target' || xt['name'] === 'comment' ? 'true' : 'unknown';
  const match = expression['match'];
  return isObject(match) ? truthOfMatch(match, packets) : 'unknown';
}

function truthOfMatch(match: JsonObject, { field, range }: PacketClass): Truth {
  const left = match['left'];
  if (!isObject(left)) return 'unknown';
  const meta = left['meta'];
  if (isObject(meta) && (meta['key'] === 'iifname' || meta['key'] === 'oifname')) return 'interface';
  const payload = left['payload'];
  if (!isObject(payload) || payload['field'] !== field) return 'unknown';
  const prefixes = prefixesIn(match['right']);
  const positive = match['op'] === '==' || match['op'] === 'in';
  if (prefixes.some((prefix) => contains(prefix, range))) return positive ? 'true' : 'false';
  return 'unknown';
}

/** The prefixes a match compares with: one, or those of an anonymous set. */
function prefixesIn(value: JsonValue | undefined): readonly Cidr[] {
  if (typeof value === 'string') {
    const address = parseIp(value);
    const whole =
      address === undefined ? undefined : parseCidr(`${address}/${address.includes(':') ? 128 : 32}`);
    return whole === undefined ? [] : [whole];
  }
  if (!isObject(value)) return [];
  const set = value['set'];
  if (isArray(set)) return set.flatMap(prefixesIn);
  const prefix = value['prefix'];
  if (!isObject(prefix)) return [];
  const { addr, len } = prefix;
  if (typeof addr !== 'string' || typeof len !== 'number') return [];
  const parsed = parseCidr(`${addr}/${len}`);
  return parsed === undefined ? [] : [parsed];
}
