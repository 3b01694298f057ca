import { components } from './components/plugin.ts';

await components.serve();
