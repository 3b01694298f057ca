import { useEffect, useState } from 'preact/hooks';
import type { Feed } from './feed.ts';

/** Pixels from the top of the page up to which the feed follows. */
const topZone = 60;

/** Holds the feed while it is paused, or scrolled: what is being read must not move. */
export function useHold(
  feed: Feed,
  rerender: () => void,
): { isPaused: boolean; isScrolled: boolean; toggle: () => void } {
  const [isPaused, setPaused] = useState(false);
  const [isScrolled, setScrolled] = useState(false);
  useEffect(() => {
    const onScroll = () => setScrolled(window.scrollY > topZone);
    window.addEventListener('scroll', onScroll, { passive: true });
    return () => window.removeEventListener('scroll', onScroll);
  }, []);
  useEffect(() => {
    feed.hold(isPaused || isScrolled);
    rerender();
  }, [feed, isPaused, isScrolled]);
  return { isPaused, isScrolled, toggle: () => setPaused(!isPaused) };
}
