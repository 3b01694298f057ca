/** One server with its data, which a plugin makes for a capability. */
export interface Instance {
  /** Name of its dependents. */
  name: string;
  version: string;
  /** Version that the data had before the last upgrade. */
  upgradedFrom?: string | undefined;
  /** Returns the image of a version. */
  imageOf(version: string): string;
  /** Size of its volume, such as `1Gi`. */
  storage: string;
  /** Password for the case that the Secret does not exist yet. */
  password: string;
}

/** Label and annotation by which a plugin finds the version of the data, and the one before. */
export const versionLabel = 'app.kubernetes.io/version';
export const upgradedFromAnnotation = 'platform.example.org/upgraded-from';

/** Longest name of an instance. The pods of a StatefulSet have a label with its name and a hash, of 63 characters. */
export const maxInstanceName = 52;
