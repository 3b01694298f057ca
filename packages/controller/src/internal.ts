// Access for the tests of this repository. This export path is not published.
export type { CertificateSource } from './certificates/certificate-source.ts';
export { issueAuthority, issueLeaf, type LeafUse } from './certificates/issue-certificate.ts';
export { ManagedCertificates } from './certificates/managed-certificates.ts';
export { openCertificates } from './certificates/open-certificates.ts';
export { type CallTarget, PluginChannels } from './certificates/plugin-channels.ts';
export type { HealthListener, HealthQuestion, ServingStatus } from './clients/health.ts';
export { type FinalizeCause, type PluginAnswer, type PluginCall, plainSuccess } from './clients/plugin-call.ts';
export type { PluginClient, PluginClientOptions } from './clients/plugin-client.ts';
export type { PluginTransport } from './clients/plugin-transport.ts';
export { pluginsFolderOf, registryOf } from './controller.ts';
export { assembleParts, type ControllerParts } from './controller-parts.ts';
export type { Delegation } from './delegation/delegation.ts';
export { type DelegationSettings, readDeclaration } from './delegation/delegation-settings.ts';
export { LeasePolicy } from './registry/lease-policy.ts';
export { RegistrationReader } from './registry/read-registration.ts';
export type { RegistryChange } from './registry/registry.ts';
export { type Condition, findCondition } from './resources/conditions.ts';
