import { signal } from '@preact/signals';

/** Time that a page stays connected after it was hidden, in milliseconds, for those who only look something up in another window. */
const grace = 20_000;

/** True while the page is visible, and shortly after. */
export const isVisible = signal(document.visibilityState === 'visible');

let timer: ReturnType<typeof setTimeout> | undefined;
document.addEventListener('visibilitychange', () => {
  clearTimeout(timer);
  if (document.visibilityState === 'visible') isVisible.value = true;
  else
    timer = setTimeout(() => {
      isVisible.value = false;
    }, grace);
});
