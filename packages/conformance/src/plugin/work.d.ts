import type { MessageInitShape } from '@bufbuild/protobuf';
import { type WorkRequestSchema, type WorkResponse } from '@kplug/protocol';
import { type Requirement } from '../requirement.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';

type Call = NonNullable<MessageInitShape<typeof WorkRequestSchema>['call']>;
/** A stream of calls, and what came on it. */
export declare class WorkTrial {
  #private;
  readonly answers: WorkResponse[];
  /** Opens a stream. Throws `NotTried` when the plugin doesn't serve any. */
  constructor(plugin: PluginUnderTest);
  /** `ended` when the plugin ended it, the error when it broke, `undefined` while it is open. */
  get ending(): string | undefined;
  send(id: number, call: Call): void;
  cancel(): void;
}
/** What is required of a plugin that serves Work. */
export declare const work: readonly Requirement<PluginUnderTest>[];
