import { signal } from '@preact/signals';

/** Shortest time between two announcements, in milliseconds. Only the last one of those that are sooner is made. */
const pause = 3_000;

const text = signal('');
let next: string | undefined;
let isWaiting = false;

/** Has screen readers say something when they have said what they are saying. */
export function announce(message: string): void {
  next = message;
  if (!isWaiting) wait(200);
}

function wait(milliseconds: number): void {
  isWaiting = true;
  setTimeout(() => {
    isWaiting = false;
    if (next === undefined) return;
    text.value = next;
    next = undefined;
    wait(pause);
  }, milliseconds);
}

/** Where announcements are. */
export function Announcements() {
  return (
    <p class="hidden" role="status">
      {text}
    </p>
  );
}
