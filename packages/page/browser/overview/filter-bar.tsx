import { clients } from '../data/clients.ts';
import { summary } from '../data/summary.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { shown } from '../format/shown.ts';
import { Choice } from '../parts/choice.tsx';
import { Icon } from '../parts/icon.tsx';
import { TextSearch } from '../parts/text-search.tsx';
import { isNoFilter, noFilter, type StateWord, stateWords } from '../routing/filter.ts';
import { filter, setFilter } from '../routing/location.ts';
import { ViewsMenu } from './views-menu.tsx';

/** Filter of the table of resources. */
export function FilterBar() {
  const { value } = filter;
  const { delegations = [], namespaces = [] } = summary.value ?? {};
  const load = useLoaded('plugins of the filter', (signal) => clients.load.getLoad({}, { signal }), 30_000);
  const plugins = (load.value?.plugins ?? []).map(({ plugin }) => plugin).filter((plugin) => plugin !== '');
  return (
    <search class="filters">
      <TextSearch
        label="Search in kind, namespace, name, reason and message"
        placeholder="Search resources"
        text={value.text}
        onText={(text) => setFilter({ text }, true)}
      />
      {stateWords.map((word) => (
        <StateButton key={word} word={word} />
      ))}
      <Choice
        label="Filter by delegation"
        all="All delegations"
        value={value.delegation}
        options={delegations.map(({ name }) => name)}
        onChoice={(delegation) => setFilter({ delegation })}
      />
      <Choice
        label="Filter by namespace"
        all="All namespaces"
        value={value.namespace}
        options={namespaces.map(({ name }) => name).filter(Boolean)}
        onChoice={(namespace) => setFilter({ namespace })}
      />
      <Choice
        label="Filter by plugin"
        all="All plugins"
        value={value.plugin}
        options={plugins}
        onChoice={(plugin) => setFilter({ plugin })}
      />
      {value.cause && <CauseChip id={value.cause} />}
      {!isNoFilter(value) && (
        <button type="button" class="button plain" onClick={() => setFilter(noFilter)}>
          <Icon name="close" /> Clear
        </button>
      )}
      <ViewsMenu />
    </search>
  );
}

function StateButton({ word }: { word: StateWord }) {
  const { states } = filter.value;
  const isPressed = states.includes(word);
  const toggle = () => setFilter({ states: isPressed ? states.filter((one) => one !== word) : [...states, word] });
  return (
    <button type="button" class="button" aria-pressed={isPressed} onClick={toggle}>
      <span class={`state-${word}`}>
        <Icon name={word} />
      </span>
      {word}
    </button>
  );
}

function CauseChip({ id }: { id: string }) {
  const causes = summary.value?.delegations.flatMap(({ causes }) => causes) ?? [];
  const cause = causes.find((one) => one.id === id);
  const label = cause ? shown(cause.summary || cause.reason, 120) : 'a cause that no longer exists';
  return (
    <span class="chip">
      <span class="label">Cause: {label}</span>
      <button type="button" aria-label="Remove the filter by cause" onClick={() => setFilter({ cause: '' })}>
        <Icon name="close" />
      </button>
    </span>
  );
}
