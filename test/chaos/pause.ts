// How long a fault lasts. The only fixed times of the suite: whatever is awaited is waited for by its condition.

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
