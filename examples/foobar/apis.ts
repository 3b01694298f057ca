import type { OwnApi } from '@kplug/controller';
import { BarService, FooService } from './gen/foobar/v1/foobar_pb.ts';

/** The plugin API `Foo`, of which one plugin is asked. */
export const foo: OwnApi<typeof FooService> = { api: 'Foo@^1.0.0', service: FooService };

/** The plugin API `Bar`, of which all plugins are asked. */
export const bar: OwnApi<typeof BarService> = { api: 'Bar@^1.0.0', service: BarService };
