// Waiting for a condition, with a bound: no test sleeps in hope.

/** Resolves when `condition` holds; throws, naming `what`, when it does not within the bound. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  boundMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + boundMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${boundMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
