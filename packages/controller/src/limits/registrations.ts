import { bytes, characters, count, KiB, MiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of the content of registrations. */
export const registrations = {
  maxHostLength: characters(253, 'Maximum length of the host in an address (RFC 1035, section 2.3.4).'),
  maxNameLength: characters(63, 'Maximum length of the name of a plugin, of an API, and of an extension kind.'),
  maxVersionLength: characters(128, 'Maximum length of a version.'),
  maxAddressLength: characters(265, 'Maximum length of an address with its port.'),
  maxKeyLength: characters(
    317,
    'Maximum length of the name of a label or capability, of an API group, and of a part of the pod.',
  ),
  maxValueLength: characters(256, 'Maximum length of the value of a label or capability.'),
  maxExtensionKinds: count(64, 'Maximum number of extension kinds of an API.'),
  maxCapabilities: count(64, 'Maximum number of capabilities of an API.'),
  maxProvided: count(
    64,
    'Maximum number of capabilities that an API provides to resources, each with a category and a type.',
  ),
  maxProvidedVersions: count(64, 'Maximum number of versions of a provided capability.'),
  maxRegistrationSize: bytes(16 * KiB, 'Maximum size of a registration in memory: its texts and lists.'),
  entrySize: bytes(64, 'Size that each entry of a list of a registration counts in memory, besides its texts.'),
  maxQuotedLength: characters(64, 'Length at which a text of a registration is cut where a refusal quotes it.'),
};

/** Limits of what the registry holds for one holder: a host, or the proven identity of the plugin. */
export const holders = {
  maxSize: bytes(8 * MiB, 'Maximum size of the registrations of one host in memory.', {
    settings: ['registryQuota.maxSizePerHost'],
    min: 16 * KiB,
  }),
  maxTotalSize: bytes(48 * MiB, 'Maximum size of all registrations in memory.', {
    settings: ['registryQuota.maxSize'],
    min: 16 * KiB,
  }),
  maxInstances: count(20_000, 'Maximum number of plugin instances of one host.', {
    settings: ['registryQuota.maxInstancesPerHost'],
    min: 1,
  }),
  maxPlugins: count(
    256,
    'Maximum number of plugins, each with a name and a version, of one host, with those that were there recently.',
    { settings: ['registryQuota.maxPluginsPerHost'], min: 1 },
  ),
  maxDepartures: count(2_000, 'Number of instances of one host that may leave in a row before new ones are refused.'),
  departureInterval: milliseconds(100, 'Interval after which one more may leave.'),
  maxRemembered: count(10_000, 'Number of hosts above which those without an instance are forgotten.'),
  pluginMemory: milliseconds(10 * minutes, 'Time for which a plugin of a host counts after its last instance is gone.'),
};

/** Limits of changes of an instance: of its state and of its registration. */
export const flaps = {
  burst: count(40, 'Number of changes of an instance that take effect immediately.'),
  interval: milliseconds(10 * seconds, 'Interval after which one more change of an instance takes effect.'),
  holdTime: milliseconds(
    1 * minutes,
    'Time for which an instance that changes more often gets no calls. Its latest state takes effect afterwards.',
  ),
};
