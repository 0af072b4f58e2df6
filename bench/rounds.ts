// In which order subjects are measured in each round. Pure.

/**
 * Round after round someone else begins, and every other round goes backwards, so that nobody always finds the machine
 * as the same neighbour left it.
 */
export function inTurn<T>(subjects: readonly T[], round: number): readonly T[] {
  const first = (round >> 1) % Math.max(1, subjects.length);
  const rotated = [...subjects.slice(first), ...subjects.slice(0, first)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}
