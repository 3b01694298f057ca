import type { DelegationDeclaration, ImplementedApi, Manifest, ResourceKind } from '@kplug/controller';
/** What counts of the plugin that a delegation is derived for. */
export interface ImplementingPlugin {
  plugin: string;
  apis: readonly Pick<ImplementedApi, 'name' | 'extensionKinds'>[];
}
/**
 * The delegation that manifests and a plugin suggest: its base is the kind that no other one points to as an extension, its
 * plugin API the one that the plugin implements. Throws a `CommandError` with advice when that isn't clear.
 *
 * @param wanted the name of the base's kind, where the user gave it.
 */
export declare function deriveDelegation(
  manifests: readonly Manifest[],
  plugin: ImplementingPlugin,
  wanted: string | undefined,
): DelegationDeclaration;
/** The kind among manifests that is delegated to a plugin. Throws as `deriveDelegation` does. */
export declare function deriveBase(
  manifests: readonly Manifest[],
  plugin: ImplementingPlugin,
  wanted: string | undefined,
): ResourceKind;
