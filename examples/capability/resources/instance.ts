/** Versions that an instance had, which its StatefulSet remembers. */
export interface History {
  /** Version that served last, which is that of the data; `undefined` before the server was ready for the first time. */
  served?: string | undefined;
  /** Version from which the data is upgraded. It stays after the upgrade, so that the pod is not restarted without need. */
  upgradedFrom?: string | undefined;
}

/** One server with its data, which a plugin makes for a capability. */
export interface Instance extends History {
  /** Name of its dependents. */
  name: string;
  version: string;
  /** Returns the image of a version. */
  imageOf(version: string): string;
  /** Size of its volume, such as `1Gi`. */
  storage: string;
  /** Password for the case that the Secret does not exist yet. */
  password: string;
}

/** Label with the version, and annotations with the `History` of an instance. */
export const versionLabel = 'app.kubernetes.io/version';
export const servedAnnotation = 'platform.example.org/served';
export const upgradedFromAnnotation = 'platform.example.org/upgraded-from';

/** Longest name of an instance. The pods of a StatefulSet have a label with its name and a hash, of 63 characters. */
export const maxInstanceName = 52;
