import { registerHooks } from 'node:module';
import { mutations } from './mutations.ts';

/** Puts a fault back into the controller for this process. Import the controller afterwards. Throws if the text to replace has changed. */
export function mutate(name: string): void {
  const mutation = mutations.find((one) => one.name === name);
  if (!mutation) {
    throw new Error(`there is no mutation "${name}"; choose one of ${mutations.map((one) => one.name).join(', ')}`);
  }
  const { file, find, replace } = mutation;
  let isLoaded = false;
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (!url.endsWith(`/packages/controller/src/${file}`)) return loaded;
      const source = String(loaded.source);
      if (source.split(find).length !== 2) {
        throw new Error(
          `${file} doesn't have the text that the mutation "${name}" replaces exactly once; adapt mutations.ts`,
        );
      }
      isLoaded = true;
      return { ...loaded, source: source.replace(find, () => replace) };
    },
  });
  process.on('exit', () => {
    if (!isLoaded) throw new Error(`${file} of the mutation "${name}" was not loaded; adapt mutations.ts`);
  });
}
