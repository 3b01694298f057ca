/** The exit code of a process that was ended by SIGINT, by the custom of shells. */
const interrupted = 130;

/** Fulfilled when the process is told to stop. Told a second time, it ends at once. */
export function untilStopped(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let isTold = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isTold) process.exit(interrupted);
    isTold = true;
    resolve(signal);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return promise;
}
