// Durations as Go writes them: `24h`, `1h30m`, `90s`. Text to seconds; what a duration is for is a flag's.

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };
const DURATION = /^(?:\d{1,9}(?:\.\d{1,6})?(?:h|ms|m|s))+$/;

/** The seconds of a duration; undefined when the text is none. `0` alone is one, as in Go. */
export function durationSeconds(text: string): number | undefined {
  if (text === '0') return 0;
  if (!DURATION.test(text)) return undefined;
  let seconds = 0;
  for (const [, digits = '0', unit = 's'] of text.matchAll(/([\d.]+)(ms|h|m|s)/g)) {
    seconds += Number(digits) * (UNITS[unit] ?? 0);
  }
  return seconds;
}
