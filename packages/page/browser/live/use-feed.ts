import { useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import { retryDelay } from '../data/back-off.ts';
import { clients } from '../data/clients.ts';
import { epoch } from '../data/connection.ts';
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
    void follow({ delegation, namespace, recent }, feed, abort.signal, {
      change,
      sync: () => {
        setSynced(true);
        setProblem(undefined);
      },
      fail: (error) => setProblem(problemOf(error)),
    });
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [feed, visible, epoch.value]);
  return { feed, isSynced, problem, rerender: () => render(undefined) };
}

interface Listener {
  change: () => void;
  sync: () => void;
  fail: (error: unknown) => void;
}

type Request = { delegation: string; namespace: string; recent: number };

async function follow(request: Request, feed: Feed, signal: AbortSignal, listener: Listener): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      for await (const { event } of clients.activity.watchActivity(request, { signal })) {
        attempt = 1;
        if (event.case === 'activity') feed.add(event.value);
        else if (event.case === 'leftOut') feed.leaveOut(event.value);
        else listener.sync();
        listener.change();
      }
    } catch (error) {
      if (signal.aborted) return;
      listener.fail(error);
    }
    await new Promise((resolve) => setTimeout(resolve, retryDelay(attempt)));
  }
}
