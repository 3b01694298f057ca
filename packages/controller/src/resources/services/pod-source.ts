/** State of a pod. */
export interface Pod {
  namespace: string;
  name: string;
  /** `terminating`: the pod is being deleted. `ended`: its containers have exited permanently, or it is gone. */
  state: 'running' | 'terminating' | 'ended';
}

/** Follows pods. */
export interface PodSource {
  /** Returns a pod from the cache; `undefined` when it doesn't exist or pods can't be read. */
  get(namespace: string, name: string): Pod | undefined;
  /** Adds a listener for existing pods and for each later change. A listener must not throw. */
  follow(listener: (pod: Pod) => void): Promise<void>;
}
