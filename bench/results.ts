// Result files: JSON that says when and on what machine it was measured.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { machine } from './machine.js';

/** Writes text, making the folders above it, and says where. */
export function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`written to ${path}`);
}

/** Writes the figures with date and machine; `tools` adds what else was involved. */
export function writeResults(
  path: string,
  results: Readonly<Record<string, unknown>>,
  tools: Readonly<Record<string, string>> = {},
): void {
  const json = { at: new Date().toISOString(), machine: { ...machine(), ...tools }, ...results };
  writeText(path, JSON.stringify(json, null, 2) + '\n');
}
