import { useLayoutEffect, useRef } from 'preact/hooks';
import { type Arrival, latestArrival } from '../routing/arrival.ts';

/**
 * Shows a screen from its top, or from where it was left if the user went back to it.
 *
 * @param isReady true once the screen has its data.
 */
export function useScrollPosition(isReady: boolean): void {
  const seen = useRef<Arrival | undefined>(undefined);
  useLayoutEffect(() => {
    const arrival = latestArrival();
    if (seen.current === arrival) return;
    // A link to another part of the same screen leaves the position as it is.
    if (seen.current !== undefined && !arrival.isReturn) seen.current = arrival;
    else if (isReady || !arrival.isReturn) {
      seen.current = arrival;
      window.scrollTo(0, arrival.top);
    }
  });
}
