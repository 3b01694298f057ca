import { useEffect, useState } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { summary } from '../data/summary.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { shown } from '../format/shown.ts';
import { Icon } from '../parts/icon.tsx';
import { isNoFilter, noFilter, type StateWord, stateWords } from '../routing/filter.ts';
import { filter, setFilter } from '../routing/location.ts';
import { ViewsMenu } from './views-menu.tsx';

/** Pause after which a typed text is searched for, in milliseconds. */
const typingPause = 250;

/** Filter of the table of resources. */
export function FilterBar() {
  const { value } = filter;
  const { delegations = [], namespaces = [] } = summary.value ?? {};
  const load = useLoaded('plugins of the filter', (signal) => clients.load.getLoad({}, { signal }), 30_000);
  const plugins = (load.value?.plugins ?? []).map(({ plugin }) => plugin).filter((plugin) => plugin !== '');
  return (
    <search class="filters">
      <TextSearch />
      {stateWords.map((word) => (
        <StateButton key={word} word={word} />
      ))}
      <Choice
        label="All delegations"
        value={value.delegation}
        options={delegations.map(({ name }) => name)}
        name="delegation"
      />
      <Choice
        label="All namespaces"
        value={value.namespace}
        options={namespaces.map(({ name }) => name).filter(Boolean)}
        name="namespace"
      />
      <Choice label="All plugins" value={value.plugin} options={plugins} name="plugin" />
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

function TextSearch() {
  const { text } = filter.value;
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => setFilter({ text: typed }, true), typingPause);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div class="search">
      <Icon name="search" />
      <input
        id="search"
        class="field"
        type="search"
        placeholder="Search resources  ( / )"
        aria-label="Search in kind, namespace, name, reason and message"
        aria-keyshortcuts="/"
        maxLength={200}
        value={typed}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      />
    </div>
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

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly string[];
  name: 'delegation' | 'namespace' | 'plugin';
}

function Choice({ label, value, options, name }: ChoiceProps) {
  // A link may name what no longer exists.
  const all = value && !options.includes(value) ? [value, ...options] : options;
  return (
    <select
      class="field"
      aria-label={`Filter by ${name}`}
      value={value}
      onChange={({ currentTarget }) => setFilter({ [name]: currentTarget.value })}
    >
      <option value="">{label}</option>
      {all.map((option) => (
        <option key={option} value={option}>
          {shown(option, 80)}
        </option>
      ))}
    </select>
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
