import { characters, count, days, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of the catalogue of capabilities. */
export const catalogue = {
  settleTime: milliseconds(1 * seconds, 'Delay between a change of plugins and the review of the catalogue.', {
    settings: ['catalogue.settleTime'],
  }),
  writeInterval: milliseconds(10 * seconds, 'Shortest interval between two writes of an entry.', {
    settings: ['catalogue.writeInterval'],
  }),
  startGrace: milliseconds(
    30 * seconds,
    'Time after the start during which an entry loses nothing, as its plugins may still register again.',
    { settings: ['catalogue.startGrace'] },
  ),
  retention: milliseconds(5 * minutes, 'Time for which a capability that nobody provides any more is listed.', {
    settings: ['catalogue.retention'],
    max: 365 * days,
  }),
  maxEntries: count(1_000, 'Maximum number of listed capabilities; further ones are not shown.', {
    settings: ['catalogue.maxEntries'],
    min: 1,
  }),
  writeBurst: count(50, 'Number of entries that are written immediately.'),
  writeSpacing: milliseconds(100, 'Interval after which one more entry may be written.'),
  maxProviders: count(32, 'Maximum number of plugins that an entry lists.'),
  maxVersions: count(64, 'Maximum number of versions of a capability that an entry names; the newest stay.'),
  maxKinds: count(16, 'Maximum number of kinds that an entry lists.'),
  maxNamespaces: count(64, 'Maximum number of namespaces of a kind that an entry lists.'),
  maxNamePartLength: characters(63, 'Maximum length of the category and of the type in the name of an entry.'),
  nameDigestLength: characters(
    20,
    'Length of the digest in the name of an entry whose category or type has characters that names do not have: too long for a plugin to find others with the same one.',
  ),
  maxTextLength: characters(512, 'Maximum length of each line for people in an entry.'),
};
