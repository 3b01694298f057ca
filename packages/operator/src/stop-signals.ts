/** Exit code of a process that was ended by SIGINT, by the convention of shells. */
const interrupted = 130;

/** Fulfilled at the first SIGTERM or SIGINT. A second one exits immediately. */
export function untilStopped(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(interrupted);
    isStopping = true;
    resolve(signal);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return promise;
}
