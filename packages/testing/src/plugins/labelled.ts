import { definePlugin } from '@kplug/sdk';

const {
  TEST_PLUGIN_NAME: name = 'PostgreSQL',
  TEST_PLUGIN_VERSION: version = '1.0.0',
  TEST_PLUGIN_LABEL: by,
} = process.env;

// A plugin for the tests that names the process that reconciled a table.
await definePlugin({
  name,
  version,
  api: 'Table@1.0.0',
  reconcile: () => ({ status: { by } }),
}).serve();
