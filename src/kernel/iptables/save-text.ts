// What iptables-save prints, as tables and chains. It reads text; running the tool is engine.ts, judging plan.ts.

import { RulesError } from '../rules.js';
import { parseRule, type Rule } from './rule-text.js';

export type Table = 'nat' | 'filter';

/** The chains of one table, each with its rules in order. */
export type Chains = ReadonlyMap<string, readonly Rule[]>;

export type Listing = Readonly<Record<Table, Chains>>;

const TABLES: readonly Table[] = ['nat', 'filter'];

/**
 * Reads a whole listing. A table that is not listed has no rules of anybody.
 * @throws RulesError `tool-refused` when nat or filter ends in the middle (a tool that died while printing), or
 * when the tool says that it cannot show it; a plan made from such a listing would delete what is right.
 */
export function parseSave(text: string): Listing {
  const tables: Record<Table, Map<string, readonly Rule[]>> = { nat: new Map(), filter: new Map() };
  let name = '';
  let specs = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      if (name !== '') throw cutOff(name);
      name = line.slice(1).trim();
      specs = new Map();
    } else if (line.startsWith(':')) {
      specs.set(/^:(\S*)/.exec(line)?.[1] ?? '', []);
    } else if (line.trimEnd() === 'COMMIT') {
      if (isTable(name)) tables[name] = readRules(specs);
      name = '';
    } else if (line.startsWith('#')) {
      refuseHidden(line);
    } else {
      addRule(specs, line);
    }
  }
  if (name !== '') throw cutOff(name);
  return tables;
}

function isTable(name: string): name is Table {
  return TABLES.some((table) => table === name);
}

function addRule(specs: Map<string, string[]>, line: string): void {
  // With -c a rule starts with its counters. A comment may hold anything but the end of the line.
  const [, chain, spec] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/s.exec(line) ?? [];
  if (chain === undefined || spec === undefined) return;
  const list = specs.get(chain);
  if (list === undefined) specs.set(chain, [spec]);
  else list.push(spec);
}

// Of a host with kube-proxy's tens of thousands of rules, only chains that can concern us are split into words.
function readRules(specs: ReadonlyMap<string, readonly string[]>): Map<string, readonly Rule[]> {
  const chains = new Map<string, readonly Rule[]>();
  for (const [chain, list] of specs) {
    const concerns = chain.startsWith('FLANNEL-') || chain === 'POSTROUTING' || chain === 'FORWARD';
    chains.set(chain, (concerns ? list : list.filter((spec) => spec.includes('FLANNEL-'))).map(parseRule));
  }
  return chains;
}

function cutOff(table: string): RulesError {
  const name = table.slice(0, 40).replace(/[^\x21-\x7e]/g, '?');
  return new RulesError('tool-refused', `the listing of the iptables table ${name} ends in the middle`);
}

// iptables-nft cannot show a table to which somebody added what iptables has no words for.
function refuseHidden(line: string): void {
  const table = /^# Table `([^']+)' is incompatible/.exec(line)?.[1];
  if (table === undefined || !isTable(table)) return;
  throw new RulesError(
    'tool-refused',
    `iptables cannot show the table ${table}: it holds rules made with nft that iptables cannot express; ` +
      `find them with \`nft list table ip ${table}\` (ip6 for IPv6) and move them to a table of their own, or set ` +
      '"EnableNFTables": true in the network config',
  );
}
