import { connection } from '../data/connection.ts';
import { summary } from '../data/summary.ts';
import { shown } from '../format/shown.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { place } from '../routing/location.ts';
import { type Theme, theme, themes } from './theme.ts';

const screens = [
  { href: '#/', text: 'Overview', isOf: ['overview', 'resource'] },
  { href: '#/plugins', text: 'Plugins', isOf: ['plugins'] },
  { href: '#/live', text: 'Live', isOf: ['live'] },
];

/** Top of the page: the screens, the connection and the theme. */
export function Header() {
  const { screen } = place.value.route;
  return (
    <header class="top">
      <a class="brand" href="#/" aria-label="Kplug: overview">
        <Mark />
        <span>Kplug</span>
      </a>
      <nav aria-label="Screens">
        <ul>
          {screens.map(({ href, text, isOf }) => (
            <li key={href}>
              <a href={href} aria-current={isOf.includes(screen) ? 'page' : undefined}>
                {text}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="end">
        <ConnectionState />
        <ThemeSwitch />
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#3b5bdb" />
      <path
        d="M12 5v7M20 5v7M8 12h16v3a8 8 0 0 1-16 0zM16 23v5"
        fill="none"
        stroke="#fff"
        stroke-width="3"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

function ConnectionState() {
  const { state } = connection.value;
  const version = summary.value?.operatorVersion;
  const text = { connecting: 'connecting', live: 'connected', lost: 'connection lost' }[state];
  return (
    <div class="connection" title={version ? `Operator ${shown(version, 60)}: ${text}` : text}>
      <Icon name={state === 'live' ? 'live' : 'warning'} />
      <span>
        {state === 'live' && version ? `v${shown(version, 40)}, ` : ''}
        {text}
      </span>
    </div>
  );
}

const icons: Readonly<Record<Theme, IconName>> = { system: 'system', light: 'sun', dark: 'moon' };

function ThemeSwitch() {
  const { value } = theme;
  const next = themes[(themes.indexOf(value) + 1) % themes.length] ?? 'system';
  return (
    <button
      type="button"
      class="button plain"
      title={`Theme: ${value}`}
      aria-label={`Theme: ${value}. Change to ${next}`}
      onClick={() => {
        theme.value = next;
      }}
    >
      <Icon name={icons[value]} />
    </button>
  );
}
