/** Looks up the addresses at which pods can be reached. */
export interface PodNetwork {
  /**
   * Returns the IP addresses of a pod, and those of the Services of its namespace that select it. Empty if the pod doesn't exist, or if
   * the operator has no right to read pods and Services there. Rejects with `StorageFailed`.
   */
  addressesOf(namespace: string, pod: string): Promise<string[]>;
}
