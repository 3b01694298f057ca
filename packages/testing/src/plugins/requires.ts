import { definePlugin } from '@kplug/sdk';

// A plugin for the tests that requires the ConfigMap of a plan, and the Secrets with the label that this names.
await definePlugin<{ spec: { plan: string } }>({
  name: 'Requiring',
  version: '1.0.0',
  api: 'Table@1.0.0',
  reconcile: ({ base, required }) => {
    const plan = required.get<{ data: { tier: string } }>('plan');
    const isMissing = required.has('plan') && !plan;
    const tier = plan?.data.tier;
    return {
      status: { tier: isMissing ? 'none' : tier, keys: required.all('keys').map(({ metadata }) => metadata.name) },
      require: {
        plan: { apiVersion: 'v1', kind: 'ConfigMap', name: base.spec.plan },
        ...(tier !== undefined && { keys: { apiVersion: 'v1', kind: 'Secret', labels: { tier } } }),
      },
    };
  },
}).serve();
