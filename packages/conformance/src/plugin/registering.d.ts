import type { Registration } from '@kplug/protocol';
import { type Requirement } from '../requirement.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
/** What is required of the way a plugin registers, tried while it runs. */
export declare const registering: readonly Requirement<PluginUnderTest>[];
/** What is required of a plugin whose controller goes away or behaves badly. Tried when all else has been. */
export declare const hearing: readonly Requirement<PluginUnderTest>[];
/** What is wrong with what a plugin says that it is. */
export declare function faultsOfIdentity({
  plugin,
  version,
  apis,
}: Pick<Registration, 'plugin' | 'version' | 'apis'>): string[];
/** What GetInfo says otherwise than the registration. */
export declare function contradictions(info: PluginUnderTest['info'], registration: Registration): string[];
