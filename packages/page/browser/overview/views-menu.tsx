import { useState } from 'preact/hooks';
import { shown } from '../format/shown.ts';
import { Icon } from '../parts/icon.tsx';
import { Menu } from '../parts/menu.tsx';
import { formatFilter } from '../routing/filter.ts';
import { filter } from '../routing/location.ts';
import { overviewLink } from '../routing/route.ts';
import { removeView, saveView, views } from './saved-views.ts';
import { maxNameLength } from './views-text.ts';

/** Menu of the saved views, and for saving the current filter as one. */
export function ViewsMenu() {
  const label = (
    <>
      <Icon name="bookmark" /> Views
    </>
  );
  return (
    <Menu label={label}>
      {(close) => (
        <>
          {views.value.length === 0 && (
            <p class="muted">Set a filter, and save it here. Its address can be shared, too.</p>
          )}
          <ul>
            {views.value.map(({ name, query }) => (
              <li key={name}>
                <a href={overviewLink(query)} onClick={close}>
                  {shown(name)}
                </a>
                <button
                  type="button"
                  class="button plain"
                  aria-label={`Remove the view ${shown(name)}`}
                  onClick={() => removeView(name)}
                >
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
          <SaveForm />
        </>
      )}
    </Menu>
  );
}

function SaveForm() {
  const [name, setName] = useState('');
  const save = (event: Event) => {
    event.preventDefault();
    saveView({ name, query: formatFilter(filter.value) });
    setName('');
  };
  return (
    <form onSubmit={save}>
      <input
        class="field"
        aria-label="Name of the view"
        placeholder="Name of this view"
        maxLength={maxNameLength}
        value={name}
        onInput={({ currentTarget }) => setName(currentTarget.value)}
      />
      <button type="submit" class="button" disabled={!name.trim()}>
        Save
      </button>
    </form>
  );
}
