// A plugin that requires the ConfigMap of its plan, and the Secrets with the label of the plan that this names.
import { definePlugin } from '@kplug/sdk';

interface Table {
  spec: { plan: string };
}

interface Plan {
  data: { tier: string };
}

const plugin = definePlugin({
  name: 'Requiring',
  version: '1.0.0',
  api: 'Table@1.0.0',
  reconcile: ({ base, required }) => {
    const { spec } = base as unknown as Table;
    const plan = required.get('plan') as Plan | undefined;
    const tier = plan?.data.tier;
    const isMissing = required.has('plan') && !plan;
    return {
      status: { tier: isMissing ? 'none' : tier, keys: required.all('keys').map(({ metadata }) => metadata.name) },
      require: {
        plan: { apiVersion: 'v1', kind: 'ConfigMap', name: spec.plan },
        ...(tier !== undefined && { keys: { apiVersion: 'v1', kind: 'Secret', labels: { tier } } }),
      },
    };
  },
});

await plugin.serve();
