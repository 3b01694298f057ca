import { type Manifest, type Resource } from '@kplug/controller';
import { type ImplementingPlugin } from '../../../controller/src/tools/derive-delegation.ts';
/** The resources that a plugin is tried with, as a controller would send them. */
export interface Sample {
  base: Resource;
  extensions: readonly Resource[];
  /** Whether the user gave them, so that the plugin has to be able to reconcile them. */
  isGiven: boolean;
}
/** Makes a sample of manifests: the first of the base's kind is the base, those of other kinds are its extensions. */
export declare function sampleOf(
  manifests: readonly Manifest[],
  info: ImplementingPlugin,
  kind: string | undefined,
): Sample;
/** The same base under another name, as another resource. */
export declare function named(base: Resource, name: string): Resource;
/** Extensions as they are sent, by key. */
export declare function byKey(extensions: readonly Resource[]): Record<
  string,
  {
    json: Uint8Array;
  }
>;
/** A resource as it is sent. */
export declare function encode(resource: Resource): Uint8Array;
