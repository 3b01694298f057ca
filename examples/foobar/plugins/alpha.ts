import { definePlugin, implementApi, serveApi } from '@kplug/sdk';
import { BarService, FooService } from '../gen/foobar/v1/foobar_pb.ts';

// Implements three APIs in one process: two with their own methods, and one for resources.
await definePlugin({
  name: 'Alpha',
  version: '1.0.0',
  apis: [
    serveApi({
      api: 'Foo@1.0.0',
      service: FooService,
      methods: {
        foos({ length }) {
          if (length < 1) throw new Error('length must be at least 1');
          return { foo: 'a'.repeat(length) };
        },
      },
    }),
    serveApi({
      api: 'Bar@1.0.0',
      service: BarService,
      methods: { bars: ({ count }) => ({ bars: Array.from({ length: count }, (_, index) => `alpha-${index}`) }) },
    }),
    implementApi<{ spec: { length: number } }>({
      api: 'Foobar@1.0.0',
      reconcile: ({ base }) => ({ status: { foobar: `${'a'.repeat(base.spec.length)}-bar` } }),
    }),
  ],
}).serve();
