import { useEffect, useState } from 'preact/hooks';
import { epoch } from './connection.ts';
import { type Problem, problemOf } from './problem.ts';
import { isVisible } from './visibility.ts';

/** What was loaded. After a failure it has the value from before, if there is one, and the problem. */
export interface Loaded<T> {
  readonly value?: T;
  readonly problem?: Problem;
  /** Loads again, at once. */
  readonly retry: () => void;
}

interface State<T> {
  readonly key: string;
  readonly value?: T;
  readonly problem?: Problem;
}

/**
 * Loads something of the operator: again for another key, after a new connection, and at an interval in milliseconds while the page is
 * visible.
 */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>, every?: number): Loaded<T> {
  const [state, setState] = useState<State<T>>({ key });
  const [tries, setTries] = useState(0);
  const visible = isVisible.value;
  useEffect(() => {
    if (!visible) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      try {
        const value = await load(abort.signal);
        if (!abort.signal.aborted) setState({ key, value });
      } catch (error) {
        if (!abort.signal.aborted)
          setState((before) => ({ ...(before.key === key ? before : { key }), problem: problemOf(error) }));
      }
      if (every !== undefined && !abort.signal.aborted) timer = setTimeout(run, every);
    };
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, every, tries, visible, epoch.value]);
  const retry = () => setTries((before) => before + 1);
  if (state.key !== key) return { retry };
  const { value, problem } = state;
  return { retry, ...(value === undefined ? {} : { value }), ...(problem ? { problem } : {}) };
}
