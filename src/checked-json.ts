// Values of parsed JSON that came from outside, each checked before it is used. Nothing here throws, and nothing knows what
// the values mean.

export type JsonRecord = Readonly<Record<string, unknown>>;

/** The object that the text is; undefined when it is no JSON, or anything but an object. */
export function parseRecord(text: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One line of text: no control characters, at most `longest` UTF-16 units. */
export function isLine(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length <= longest && !/[\0-\x1f\x7f]/.test(value);
}

/** A whole number from 0 on that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
