/** Formats the time of day in the time zone of this machine, such as `10:04:31`. */
export function clockTime(time = new Date()): string {
  return time.toTimeString().slice(0, 8);
}
