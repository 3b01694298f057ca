import { useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { epoch } from '../data/connection.ts';
import { keepReading } from '../data/keep-reading.ts';
import { type Problem, problemOf } from '../data/problem.ts';
import { isVisible } from '../data/visibility.ts';
import { Feed } from './feed.ts';

/** Activities of before that are asked for, and the shortest time between two changes of what is shown, in milliseconds. */
const recent = 200;
const pace = 250;

/** What the operator does. */
export interface LiveFeed {
  readonly feed: Feed;
  /** True when all that happened before has come. */
  readonly isSynced: boolean;
  readonly problem: Problem | undefined;
  /** Shows changes of the feed. */
  readonly rerender: () => void;
}

/** Follows the activities of a delegation and a namespace, or of all for empty names. */
export function useFeed(delegation: string, namespace: string): LiveFeed {
  const [, render] = useReducer((renders: number) => renders + 1, 0);
  const [isSynced, setSynced] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const feed = useMemo(() => new Feed(), [delegation, namespace]);
  const visible = isVisible.value;
  useEffect(() => {
    if (!visible) return;
    // After a restart the operator counts from the beginning, and sends what there is.
    feed.clear();
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const change = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        render(undefined);
      }, pace);
    };
    const request = { delegation, namespace, recent };
    const read = async (onNews: () => void) => {
      for await (const { event } of clients.activity.watchActivity(request, { signal: abort.signal })) {
        onNews();
        if (event.case === 'activity') feed.add(event.value);
        else if (event.case === 'leftOut') feed.leaveOut(event.value);
        else {
          setSynced(true);
          setProblem(undefined);
        }
        change();
      }
    };
    void keepReading(read, abort.signal, (error) => setProblem(problemOf(error)));
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [feed, visible, epoch.value]);
  return { feed, isSynced, problem, rerender: () => render(undefined) };
}
