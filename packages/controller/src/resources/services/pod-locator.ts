/** Finds the pods of some namespaces by their addresses. */
export interface PodLocator {
  /** Starts to follow the pods. Fulfilled when the existing ones are known, or can't be read for now. */
  start(): Promise<void>;
  /** Returns the pod that has an IP address of its own, which pods on the network of their node don't; `undefined` if there is none. */
  podAt(ip: string): { namespace: string; name: string } | undefined;
  /** Reason why some pods can't be read, if there is one. */
  readonly problem: string | undefined;
  stop(): Promise<void>;
}
