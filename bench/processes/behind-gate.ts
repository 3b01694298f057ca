import type { ResourceListener, Resources } from '@kplug/controller';

/** Resources that can't be read before a gate opens, so that plugins can register first. */
export function behindGate(resources: Resources, gate: Promise<void>): Resources {
  const { services } = resources;
  return {
    ...(services && { services }),
    async follow(followed, listener: ResourceListener, options) {
      await gate;
      await resources.follow(followed, listener, options);
    },
    problem: (followed) => resources.problem(followed),
    get: (key) => resources.get(key),
    list: (followed) => resources.list(followed),
    applyStatus: (key, status, options) => resources.applyStatus(key, status, options),
    addFinalizer: (key, finalizer, options) => resources.addFinalizer(key, finalizer, options),
    removeFinalizer: (key, finalizer, options) => resources.removeFinalizer(key, finalizer, options),
    applyOwned: (key, content, options) => resources.applyOwned(key, content, options),
    removeOwned: (key, options) => resources.removeOwned(key, options),
    releaseOwned: (key, options) => resources.releaseOwned(key, options),
    close: () => resources.close(),
  };
}
