import { definePlugin, serveApi } from '@kplug/sdk';
import { BarService } from './gen/foobar/v1/foobar_pb.ts';

// Runs behind a Service and sends no heartbeats; the operator calls its GetInfo, in plain text with KPLUG_INSECURE=true.
await definePlugin({
  name: 'Gamma',
  version: '1.0.0',
  apis: [
    serveApi({
      api: 'Bar@1.0.0',
      service: BarService,
      methods: { bars: ({ count }) => ({ bars: Array.from({ length: count }, (_, index) => `gamma-${index}`) }) },
    }),
  ],
}).serve({ controller: 'none' });
