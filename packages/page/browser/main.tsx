import { render } from 'preact';
import { keepConnected } from './data/connection-loop.ts';
import { App } from './shell/app.tsx';
import { listenToShortcuts } from './shell/shortcuts.ts';
import { applyTheme } from './shell/theme.ts';

applyTheme();
const root = document.getElementById('page');
if (!root) throw new Error('the page has no element to be in');
render(<App />, root);
keepConnected();
listenToShortcuts();
