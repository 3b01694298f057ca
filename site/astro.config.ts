import starlight from '@astrojs/starlight';
import { defineConfig } from 'astro/config';
import linksValidator from 'starlight-links-validator';
import { contents, slugOf } from '../tools/site/contents.ts';

const { KPLUG_SITE_BASE: base = '/', KPLUG_SITE_URL: site } = process.env;

/** The browser loads nothing from elsewhere. Search runs WebAssembly, and Astro writes small scripts and styles into the pages. */
const policy = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export default defineConfig({
  base,
  ...(site && { site }),
  trailingSlash: 'always',
  devToolbar: { enabled: false },
  // The site has no bitmaps.
  image: { service: { entrypoint: 'astro/assets/services/noop' } },
  integrations: [
    starlight({
      title: 'Kplug',
      description: 'Kubernetes operators that hand reconciliation to plugins in any language.',
      favicon: '/favicon.svg',
      head: [{ tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy } }],
      customCss: ['./src/styles/site.css'],
      components: {
        MarkdownContent: './src/components/MarkdownContent.astro',
        ThemeSelect: './src/components/ThemeSelect.astro',
      },
      sidebar: contents.map(({ label, entries }) => ({
        label,
        items: entries.map((entry) => ({ label: entry.label, slug: slugOf(entry.file) })),
      })),
      plugins: [linksValidator()],
    }),
  ],
});
