import { useRef, useState } from 'preact/hooks';
import { shown } from '../format/shown.ts';
import { Icon } from '../parts/icon.tsx';
import { formatFilter } from '../routing/filter.ts';
import { filter } from '../routing/location.ts';
import { overviewLink } from '../routing/route.ts';
import { removeView, saveView, views } from './saved-views.ts';

/** Menu of the saved views, and for saving the current filter as one. */
export function ViewsMenu() {
  const menu = useRef<HTMLDetailsElement>(null);
  const [name, setName] = useState('');
  const close = () => menu.current?.removeAttribute('open');
  const save = (event: Event) => {
    event.preventDefault();
    saveView({ name, query: formatFilter(filter.value) });
    setName('');
  };
  return (
    <details class="menu" ref={menu} onKeyDown={(event) => event.key === 'Escape' && close()}>
      <summary class="button">
        <Icon name="bookmark" /> Views
      </summary>
      <div>
        {views.value.length === 0 && (
          <p class="muted">Set a filter, and save it here. Its address can be shared, too.</p>
        )}
        <ul>
          {views.value.map((view) => (
            <li key={view.name}>
              <a href={overviewLink(view.query)} onClick={close}>
                {shown(view.name)}
              </a>
              <button
                type="button"
                class="button plain"
                aria-label={`Remove the view ${shown(view.name)}`}
                onClick={() => removeView(view.name)}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
        <form onSubmit={save}>
          <input
            class="field"
            aria-label="Name of the view"
            placeholder="Name of this view"
            maxLength={60}
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
          <button type="submit" class="button" disabled={!name.trim()}>
            Save
          </button>
        </form>
      </div>
    </details>
  );
}
