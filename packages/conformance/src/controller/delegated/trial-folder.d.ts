import type { Manifest } from '@kplug/controller';
/** The directory that an operator follows, where the resources of a trial are put, each in a file of its own. */
export declare class TrialFolder {
  #private;
  private constructor();
  /** Rejects with a `CommandError` when there is no such directory. */
  static open(folder: string): Promise<TrialFolder>;
  /** Puts a resource there, or another one in its place. */
  apply(manifest: Manifest): Promise<void>;
  remove(manifest: Manifest): Promise<void>;
  /** Removes whatever is left. */
  clear(): Promise<void>;
}
