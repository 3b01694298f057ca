import { type ClusterReader, type LoggedPod, OutputLines } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { interruption } from '../input/interruption.ts';
import type { LogRange } from './log-source.ts';
import type { LogReceiver } from './read-hosted-log.ts';

/** Largest length of a line, in characters; longer ones are cut. */
const maxLineLength = 8_192;

/** Largest number of pods whose logs are read. */
const maxPods = 20;

/** Choice of the logs of pods. */
export interface PodLogChoice extends LogRange {
  /** Name of the container. Default: the default container of each pod. */
  container?: string | undefined;
  /** True for the log before the last restart of the container. */
  previous: boolean;
}

/** Prints the logs of pods: one after the other, or all at the same time while they are followed. */
export async function readPodLogs(
  reader: ClusterReader,
  pods: readonly LoggedPod[],
  choice: PodLogChoice,
  receiver: LogReceiver,
): Promise<void> {
  const shown = pods.slice(0, maxPods);
  if (pods.length > maxPods) receiver.say(`${pods.length - maxPods} more pods are not shown.`);
  const signal = choice.follow ? interruption() : undefined;
  const read = (pod: LoggedPod) => readPodLog(reader, pod, { ...choice, signal }, receiver);
  if (choice.follow) await Promise.all(shown.map(read));
  else for (const pod of shown) await read(pod);
}

async function readPodLog(
  reader: ClusterReader,
  pod: LoggedPod,
  { container: wanted, tail, follow, previous, signal }: PodLogChoice & { signal: AbortSignal | undefined },
  receiver: LogReceiver,
): Promise<void> {
  const { namespace, name, containers } = pod;
  const container = wanted ?? containers[0] ?? '';
  if (!containers.includes(container)) {
    const existing = containers.join(', ');
    throw new CommandError(
      'notFound',
      `the pod ${namespace}/${name} has no container ${container}; it has ${existing}`,
    );
  }
  const source = `${name}/${container}`;
  const lines = new OutputLines(maxLineLength, (line) => {
    // The API server begins each line with its time.
    const [, time = '', text = line] = /^(\S+) (.*)$/s.exec(line) ?? [];
    receiver.print({ source, time, stream: 'stdout', text });
  });
  const range = { follow, previous, timestamps: true, ...(tail >= 0 && { tail }), ...(signal && { signal }) };
  try {
    for await (const chunk of await reader.readLog(pod, container, range)) lines.push(chunk);
    lines.end();
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
