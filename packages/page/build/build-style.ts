import { createRequire } from 'node:module';
import { bundleAsync } from 'lightningcss';

const { resolve } = createRequire(import.meta.url);

/** Bundles and minifies the style sheets. `@import "npm:NAME"` imports one of a package. */
export async function buildStyle(filename: string): Promise<string> {
  const { code, warnings } = await bundleAsync({
    filename,
    minify: true,
    resolver: {
      resolve: (specifier, from) =>
        specifier.startsWith('npm:')
          ? resolve(specifier.slice('npm:'.length))
          : new URL(specifier, `file://${from}`).pathname,
    },
  });
  if (warnings.length > 0)
    throw new Error(`the style of the page: ${warnings.map(({ message }) => message).join('; ')}`);
  return Buffer.from(code).toString('utf8');
}
