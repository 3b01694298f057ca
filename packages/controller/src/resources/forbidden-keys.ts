const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** Reports whether a key could change a prototype when its object is copied. */
export function isForbiddenKey(key: string): boolean {
  return forbidden.has(key);
}
