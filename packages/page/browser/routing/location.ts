import { computed, signal } from '@preact/signals';
import { arrive, keepScrollPositions } from './arrival.ts';
import { type Filter, formatFilter, parseFilter } from './filter.ts';
import { formatLiveFilter, type LiveFilter, parseLiveFilter } from './live-filter.ts';
import { liveLink, overviewLink, parseFragment } from './route.ts';

/**
 * Where the user is. Screens are in the fragment of the URL, so that the page works below any path: of the operator, of the proxy of an
 * API server, or of `kplug ui`.
 */
const fragment = signal(location.hash);
keepScrollPositions();
window.addEventListener('hashchange', () => {
  arrive();
  fragment.value = location.hash;
});

/** Screen of the URL, and its query. */
export const place = computed(() => parseFragment(fragment.value));

/** Filter of the overview in the URL. */
export const filter = computed(() => parseFilter(place.value.query));

/** Filter of what happens now in the URL. */
export const liveFilter = computed(() => parseLiveFilter(place.value.query));

/** Changes the filter of the overview. `replace` is for what is typed: the button for going back then skips it. */
export function setFilter(changes: Partial<Filter>, replace = false): void {
  go(overviewLink(formatFilter({ ...filter.value, ...changes })), replace);
}

/** Changes the filter of what happens now, as `setFilter` does. */
export function setLiveFilter(changes: Partial<LiveFilter>, replace = false): void {
  go(liveLink(formatLiveFilter({ ...liveFilter.value, ...changes })), replace);
}

function go(link: string, replace: boolean): void {
  if (replace) {
    history.replaceState(history.state, '', link);
    fragment.value = location.hash;
  } else location.hash = link;
}
