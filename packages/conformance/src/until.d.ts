/** Looks until there is something, and returns it; `undefined` when there is nothing in time. @param within in milliseconds. */
export declare function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  within: number,
): Promise<T | undefined>;
