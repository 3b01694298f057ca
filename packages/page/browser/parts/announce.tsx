import { signal } from '@preact/signals';

/** Shortest time between two announcements, in milliseconds. Only the last one of those that are sooner is made. */
const pause = 3_000;

const text = signal('');
let next: string | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Has screen readers say something when they have said what they are saying. */
export function announce(message: string): void {
  next = message;
  timer ??= setTimeout(flush, 200);
}

function flush(): void {
  timer = next === undefined ? undefined : setTimeout(flush, pause);
  if (next !== undefined) text.value = next;
  next = undefined;
}

/** Where announcements are. */
export function Announcements() {
  return (
    <p class="hidden" role="status">
      {text}
    </p>
  );
}
