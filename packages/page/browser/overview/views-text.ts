/** A filter with a name. Its query can be shared as a link. */
export interface View {
  readonly name: string;
  readonly query: string;
}

/** Views that are kept, and length of their names. */
export const maxViews = 50;
export const maxNameLength = 60;

/** Reads views from what is stored, which any program may have written. */
export function parseViews(stored: string | undefined): View[] {
  let value: unknown;
  try {
    value = JSON.parse(stored ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return value
    .filter(isView)
    .slice(0, maxViews)
    .map(({ name, query }) => ({ name, query }));
}

function isView(value: unknown): value is View {
  const { name, query } = (value ?? {}) as Partial<Record<keyof View, unknown>>;
  return typeof name === 'string' && name.trim() !== '' && name.length <= maxNameLength && typeof query === 'string';
}
