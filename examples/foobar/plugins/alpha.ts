import { definePlugin, implementApi, serveApi } from '@kplug/sdk';
import { BarService, FooService } from '../gen/foobar/v1/foobar_pb.ts';

// One process, three APIs: two of the operator's own, and one whose resources are reconciled.
await definePlugin({
  name: 'Alpha',
  version: '1.0.0',
  apis: [
    serveApi({
      api: 'Foo@1.0.0',
      service: FooService,
      methods: {
        foos({ length }) {
          if (length < 1) throw new Error('a foo has a letter at least');
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
