/** `/` goes to the search, unless something is being typed. */
export function listenToShortcuts(): void {
  document.addEventListener('keydown', (event) => {
    const { target, key, ctrlKey, altKey, metaKey } = event;
    const isTyping = target instanceof HTMLElement && target.matches('input, select, textarea');
    if (key !== '/' || ctrlKey || altKey || metaKey || isTyping) return;
    event.preventDefault();
    if (focusSearch()) return;
    location.hash = '#/';
    const observer = new MutationObserver(() => focusSearch() && observer.disconnect());
    observer.observe(document.body, { childList: true, subtree: true });
  });
}

function focusSearch(): boolean {
  const search = document.getElementById('search');
  search?.focus();
  return search !== null;
}
