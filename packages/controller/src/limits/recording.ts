import { bytes, characters, count, KiB, levels, MiB } from './limit.ts';

/** Limits of recorded calls. */
export const recording = {
  maxCallsPerResource: count(2, 'Number of the last calls of a resource that are recorded.'),
  maxResources: count(
    1_000,
    'Maximum number of resources whose calls are recorded; the one called least recently is dropped.',
  ),
  maxSize: bytes(32 * MiB, 'Maximum size of all recorded calls.'),
  maxText: characters(64 * KiB, 'Length at which a recorded request, and a recorded answer, is cut.'),
  maxExaminedText: characters(
    256 * KiB,
    'Length of the texts of a request, and of an answer, that are examined for secrets; what follows is left out.',
  ),
  maxValueText: characters(16 * KiB, 'Length at which a text in a request or an answer is cut.'),
  maxNameLength: characters(
    256,
    'Length at which the name of a field is cut. The value of a field with a longer one counts as a secret.',
  ),
  maxFields: count(10_000, 'Maximum number of fields of an object that are recorded.'),
  maxDepth: levels(100, 'Depth below which a request or an answer is left out.'),
};
