import { definePlugin, serveApi } from '@kplug/sdk';
import { FooService } from '../gen/foobar/v1/foobar_pb.ts';

await definePlugin({
  name: 'Beta',
  version: '1.0.0',
  apis: [
    serveApi({
      api: 'Foo@1.0.0',
      service: FooService,
      methods: { foos: ({ length }) => ({ foo: 'b'.repeat(length) }) },
    }),
  ],
}).serve();
