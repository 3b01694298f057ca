/** A moment, in milliseconds since the epoch, as Kubernetes writes a `MicroTime`. */
export function microTime(at = Date.now()): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}
