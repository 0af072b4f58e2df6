// Small words for people that several commands use.

import { oneLine } from '../health/one-line.js';

/** A line of output, whatever others have put into its text. */
export function lineOf(text: string): string {
  return `${oneLine(text, 2_000)}\n`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** `23 h 12 min`, `90 s`, `0 s`: whole seconds, the two largest units. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const at = UNITS.findIndex(([size]) => whole >= size);
  if (at < 0) return '0 s';
  const [size = 1, unit = 's'] = UNITS[at] ?? [];
  const rest = UNITS[at + 1];
  const first = `${Math.floor(whole / size)} ${unit}`;
  if (rest === undefined) return first;
  const second = Math.floor((whole % size) / rest[0]);
  return second === 0 ? first : `${first} ${second} ${rest[1]}`;
}

/** `1 lease`, `3 leases`. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `512 B`, `1.5 MiB`. */
export function bytesText(bytes: number): string {
  let [rest, size] = [bytes, 0];
  while (rest >= 1024 && size < SIZES.length - 1) [rest, size] = [rest / 1024, size + 1];
  return `${size === 0 ? rest : rest.toFixed(1)} ${SIZES[size] ?? ''}`;
}
