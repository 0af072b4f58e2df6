// Texts of others (errors, names of peers) as one short printable line.
// Escaping for a format (JSON does its own) is not done here.

/**
 * The text without line breaks, control and formatting characters, at most `limit` characters long. In systemd's
 * STATUS= a line break would begin another assignment, and on a terminal an escape sequence would be obeyed.
 */
export function oneLine(text: string, limit: number): string {
  // Cut before, too, so that a text of megabytes costs nothing; code points are at most two units.
  const clean = text
    .slice(0, 4 * limit)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  const points = Array.from(clean);
  return points.length <= limit ? clean : `${points.slice(0, limit - 1).join('')}…`;
}
