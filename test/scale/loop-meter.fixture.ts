import { PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

// Steps of incremental marking can't be told from other work, whole collections can.
setFlagsFromString('--no-incremental-marking');

/** Iteration of the event loop. Times in milliseconds. */
interface Iteration {
  startedAt: number;
  endedAt: number;
  /** CPU time of the main thread. */
  cpu: number;
}

/** Number of the longest iterations that are looked at. */
const kept = 20;

/**
 * Measures the longest iteration of the event loop during some work, in CPU time of the main thread without garbage collections, so
 * that neither other processes nor the size of the heap count.
 */
export async function longestBlock(work: () => Promise<void>): Promise<number> {
  const collections: { startedAt: number; duration: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) collections.push({ startedAt: startTime, duration });
  });
  observer.observe({ entryTypes: ['gc'] });
  const longest: Iteration[] = [];
  let isOver = false;
  let startedAt = performance.now();
  let used = cpuTime();
  const onIteration = () => {
    const [endedAt, usedNow] = [performance.now(), cpuTime()];
    keepLongest(longest, { startedAt, endedAt, cpu: usedNow - used });
    [startedAt, used] = [endedAt, usedNow];
    if (!isOver) setImmediate(onIteration);
  };
  await turn();
  [startedAt, used] = [performance.now(), cpuTime()];
  setImmediate(onIteration);
  await work();
  await turn();
  await turn();
  isOver = true;
  await turn();
  for (const { startTime, duration } of observer.takeRecords()) collections.push({ startedAt: startTime, duration });
  observer.disconnect();
  const blocks = longest.map((iteration) => {
    const inside = collections.filter(
      (one) => one.startedAt >= iteration.startedAt && one.startedAt < iteration.endedAt,
    );
    return iteration.cpu - inside.reduce((sum, { duration }) => sum + duration, 0);
  });
  return Math.max(0, ...blocks);
}

/** Measures a unit of work, in milliseconds of CPU time: a fixed computation with strings, maps and sorting. */
export function unitOfWork(): number {
  const repetitions = 100;
  const used = cpuTime();
  for (let repetition = 0; repetition < repetitions; repetition++) compute();
  return (cpuTime() - used) / repetitions;
}

/** Lets the event loop run once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function keepLongest(longest: Iteration[], iteration: Iteration): void {
  if (longest.length === kept && iteration.cpu <= (longest.at(-1)?.cpu ?? 0)) return;
  longest.push(iteration);
  longest.sort((a, b) => b.cpu - a.cpu);
  longest.length = Math.min(longest.length, kept);
}

/** CPU time of this thread, in milliseconds. */
function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** Takes about a millisecond on a usual machine. */
function compute(): number {
  const counts = new Map<string, number>();
  for (let index = 0; index < 6_000; index++) {
    const key = `item-${(index * 7_919) % 2_003}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts.keys()].sort()[0]?.length ?? 0;
}
