const whole = new Intl.NumberFormat('en');

/** Formats a whole number with separators: `100,000`. */
export function formatCount(value: number | bigint): string {
  return whole.format(value);
}

/** Formats a number with its noun, `1 resource` or `2 resources`. */
export function countOf(value: number, noun: string, nouns = `${noun}s`): string {
  return `${formatCount(value)} ${value === 1 ? noun : nouns}`;
}

/** Formats a part as percentage. What is not none never reads 0 %, and what is not all never 100 %. */
export function formatShare(part: number, total: number): string {
  if (total <= 0) return '–';
  const percent = (100 * part) / total;
  if (percent > 0 && percent < 1) return '<1 %';
  return percent > 99 && percent < 100 ? '>99 %' : `${Math.round(percent)} %`;
}
