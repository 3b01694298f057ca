import { useEffect, useRef } from 'preact/hooks';
import { connection } from '../data/connection.ts';
import { retryNow } from '../data/connection-loop.ts';
import { summary } from '../data/summary.ts';
import { Live } from '../live/live.tsx';
import { Overview } from '../overview/overview.tsx';
import { Announcements } from '../parts/announce.tsx';
import { Empty, Failure, Loading } from '../parts/notices.tsx';
import { PluginScreen } from '../plugins/plugin-screen.tsx';
import { Plugins } from '../plugins/plugins.tsx';
import { ResourceScreen } from '../resource/resource-screen.tsx';
import { place } from '../routing/location.ts';
import type { Route } from '../routing/route.ts';
import { Banner } from './banner.tsx';
import { Header } from './header.tsx';

/** The page: header, banner of the connection, and the screen of the URL. */
export function App() {
  const { pathname } = place.value;
  const isFirst = useRef(true);
  useEffect(() => {
    // What had the focus is gone with the former screen.
    if (!isFirst.current) focusMain();
    isFirst.current = false;
  }, [pathname]);
  return (
    <>
      <button type="button" class="skip" onClick={focusMain}>
        Skip to content
      </button>
      <Header />
      <Banner />
      <main id="main" tabIndex={-1}>
        <Content />
      </main>
      <Announcements />
    </>
  );
}

/** A screen, once the operator was reached. */
function Content() {
  const { value } = connection;
  if (summary.value) return <Screen route={place.value.route} />;
  return (
    <>
      <h1 class="hidden">Kplug</h1>
      {value.state === 'lost' && value.problem.title ? (
        <Failure what="data yet" problem={value.problem} retry={retryNow} />
      ) : (
        <Loading what="the state of the operator" lines={6} />
      )}
    </>
  );
}

function Screen({ route }: { route: Route }) {
  switch (route.screen) {
    case 'overview':
      return <Overview />;
    case 'resource':
      return <ResourceScreen key={route.key} resourceKey={route.key} />;
    case 'plugins':
      return route.plugin ? <PluginScreen key={route.plugin} plugin={route.plugin} /> : <Plugins />;
    case 'live':
      return <Live />;
    case 'unknown':
      return (
        <>
          <h1>Not found</h1>
          <Empty title="There is no such screen">
            The link may be mistyped. <a href="#/">Go to the overview</a>
          </Empty>
        </>
      );
  }
}

/** A link would change the fragment of the URL, which is the screen. */
function focusMain(): void {
  document.getElementById('main')?.focus({ preventScroll: true });
}
