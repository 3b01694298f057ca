import { computed, signal } from '@preact/signals';
import { type Filter, formatFilter, parseFilter } from './filter.ts';
import { overviewLink, parseFragment } from './route.ts';

/**
 * Where the user is. Screens are in the fragment of the URL, so that the page works below any path: of the operator, of the proxy of an
 * API server, or of `kplug ui`.
 */
const fragment = signal(location.hash);
window.addEventListener('hashchange', () => {
  fragment.value = location.hash;
});

/** Screen of the URL, and its query. */
export const place = computed(() => parseFragment(fragment.value));

/** Filter of the URL. */
export const filter = computed(() => parseFilter(place.value.query));

/** Changes the filter of the overview. `replace` is for what is typed: the button for going back then skips it. */
export function setFilter(changes: Partial<Filter>, replace = false): void {
  const link = overviewLink(formatFilter({ ...filter.value, ...changes }));
  if (replace) {
    history.replaceState(null, '', link);
    fragment.value = location.hash;
  } else location.hash = link;
}
