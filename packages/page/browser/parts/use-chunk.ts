import { useEffect, useState } from 'preact/hooks';
import { epoch } from '../data/connection.ts';

/** A part of the page that is loaded later: what was loaded, or that it could not be. */
export interface Chunk<T> {
  readonly loaded?: T;
  readonly hasFailed: boolean;
}

/** Loads a part of the page. What could not be loaded is tried again after each new connection. */
export function useChunk<T>(load: () => Promise<T>): Chunk<T> {
  const [chunk, setChunk] = useState<Chunk<T>>({ hasFailed: false });
  const isLoaded = chunk.loaded !== undefined;
  useEffect(() => {
    if (isLoaded) return;
    load().then(
      (loaded) => setChunk({ loaded, hasFailed: false }),
      () => setChunk({ hasFailed: true }),
    );
  }, [isLoaded, epoch.value]);
  return chunk;
}
