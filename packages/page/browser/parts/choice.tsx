import { shown } from '../format/shown.ts';

interface ChoiceProps {
  /** Name of the field, for those who don't see it. */
  label: string;
  /** Text for no choice. */
  all: string;
  value: string;
  options: readonly string[];
  onChoice: (value: string) => void;
}

/** Field for one of some names. */
export function Choice({ label, all, value, options, onChoice }: ChoiceProps) {
  // A link may name what no longer exists.
  const known = value && !options.includes(value) ? [value, ...options] : options;
  return (
    <select
      class="field"
      aria-label={label}
      value={value}
      onChange={({ currentTarget }) => onChoice(currentTarget.value)}
    >
      <option value="">{all}</option>
      {known.map((option) => (
        <option key={option} value={option}>
          {shown(option, 80)}
        </option>
      ))}
    </select>
  );
}
