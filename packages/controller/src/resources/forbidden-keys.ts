const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** Reports whether a key could change a prototype when its object is copied. */
export function isForbiddenKey(key: string): boolean {
  return forbidden.has(key);
}

/** Reports whether a JSON value has, at any depth, a key that could change a prototype when the value is copied. */
export function hasForbiddenKey(value: unknown): boolean {
  const pending = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next !== 'object' || next === null) continue;
    for (const [key, inner] of Object.entries(next)) {
      if (forbidden.has(key)) return true;
      if (typeof inner === 'object') pending.push(inner);
    }
  }
  return false;
}
