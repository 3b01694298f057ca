import type { OwnApi } from '@kplug/controller';
import { BarService, FooService } from './gen/foobar/v1/foobar_pb.ts';

/** Plugin API `Foo`. The operator calls one plugin. */
export const foo: OwnApi<typeof FooService> = { api: 'Foo@^1.0.0', service: FooService };

/** Plugin API `Bar`. The operator calls all plugins. */
export const bar: OwnApi<typeof BarService> = { api: 'Bar@^1.0.0', service: BarService };
