import { Overview } from '../overview/overview.tsx';
import { place } from '../routing/location.ts';
import { Banner } from './banner.tsx';
import { Header } from './header.tsx';

/** The page: header, banner of the connection, and the screen of the URL. */
export function App() {
  return (
    <>
      <button type="button" class="skip" onClick={skipToMain}>
        Skip to content
      </button>
      <Header />
      <Banner />
      <main id="main" tabIndex={-1}>
        <Screen />
      </main>
    </>
  );
}

function Screen() {
  const { route } = place.value;
  return route.screen === 'overview' ? <Overview /> : <p>Not found</p>;
}

/** A link would change the fragment of the URL, which is the screen. */
function skipToMain(): void {
  document.getElementById('main')?.focus();
}
