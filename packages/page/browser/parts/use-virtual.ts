import { observeWindowOffset, observeWindowRect, Virtualizer, windowScroll } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';

/** Rows of a list that scrolls with the page, of which only those in sight are rendered. */
export interface Virtual {
  readonly items: readonly { readonly index: number; readonly start: number }[];
  /** Height of all rows, in pixels. */
  readonly height: number;
  /** Scrolls as far as is needed to see a row. */
  readonly scrollTo: (index: number) => void;
}

/** Height of what sticks to the top of the page, in pixels. */
const stickyHeight = 84;

/** Renders the rows of `list` that are in sight. All have the same height, in pixels. */
export function useVirtual(list: RefObject<HTMLElement | null>, count: number, rowHeight: number): Virtual {
  const [, rerender] = useReducer((renders: number) => renders + 1, 0);
  const [scrollMargin, setScrollMargin] = useState(0);
  const options = {
    count,
    estimateSize: () => rowHeight,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll<Window>,
    initialOffset: () => window.scrollY,
    overscan: 8,
    scrollMargin,
    scrollPaddingStart: stickyHeight,
    scrollPaddingEnd: 8,
    onChange: () => rerender(undefined),
  };
  const kept = useRef<Virtualizer<Window, Element> | undefined>(undefined);
  kept.current ??= new Virtualizer<Window, Element>(options);
  const virtualizer = kept.current;
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, rowHeight]);
  useLayoutEffect(() => {
    const top = list.current ? Math.round(list.current.getBoundingClientRect().top + window.scrollY) : 0;
    if (top !== scrollMargin) setScrollMargin(top);
  });
  return {
    items: virtualizer.getVirtualItems().map(({ index, start }) => ({ index, start: start - scrollMargin })),
    height: virtualizer.getTotalSize(),
    scrollTo: (index) => virtualizer.scrollToIndex(index),
  };
}
