/** Formats a time, in milliseconds since the epoch, as a Kubernetes `MicroTime`. */
export function microTime(at = Date.now()): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}
