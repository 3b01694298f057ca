/** Copies a text, which otherwise keeps a whole chunk of output in memory. The engine itself copies a short one. */
export function copyText(text: string): string {
  if (text.length < 13) return text;
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
