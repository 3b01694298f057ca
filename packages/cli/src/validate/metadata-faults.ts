import type { JsonObject } from '@kplug/controller';
import {
  findAnnotationFault,
  findLabelFault,
  formatPath,
  type LabelFault,
  pausedAnnotation,
  reconcileAtAnnotation,
} from '@kplug/controller/tools';
import { objectOf, textsIn } from '../doctor/read-json.ts';
import { similarTo } from '../doctor/similar.ts';
import type { DocumentFault } from './finding.ts';

const metadataFields = [
  'annotations',
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'finalizers',
  'generateName',
  'generation',
  'labels',
  'managedFields',
  'name',
  'namespace',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
];

const annotationDomain = 'kplug.dev/';

/** Annotations of Kplug that users write: on resources, and on Services that declare a plugin. */
const knownAnnotations: ReadonlySet<string> = new Set([
  pausedAnnotation,
  reconcileAtAnnotation,
  ...['ca-bundle', 'insecure', 'port', 'server-name'].map((name) => `${annotationDomain}${name}`),
]);

/** Finds the faults of the metadata of a resource: unknown fields, and labels and annotations that Kubernetes or Kplug does not know. */
export function findMetadataFaults({ metadata }: JsonObject): DocumentFault[] {
  const { labels, annotations } = objectOf(metadata);
  const texts = textsIn(annotations);
  const tooLarge = findAnnotationFault(texts);
  const ofAnnotations = Object.entries(texts).flatMap(([key, value]) =>
    faultOf('annotations', findAnnotationFault({ [key]: value })),
  );
  return [
    ...unknownFields(objectOf(metadata)),
    ...Object.entries(textsIn(labels)).flatMap(([key, value]) => faultOf('labels', findLabelFault({ [key]: value }))),
    ...(ofAnnotations.length > 0 ? ofAnnotations : faultOf('annotations', tooLarge)),
    ...Object.keys(texts).flatMap(unknownAnnotation),
  ];
}

function unknownFields(metadata: JsonObject): DocumentFault[] {
  return Object.keys(metadata)
    .filter((name) => !metadataFields.includes(name))
    .map((name) => {
      const [similar] = similarTo(name, metadataFields);
      const advice = similar === undefined ? '' : `; did you mean ${similar}?`;
      const message = `${formatPath(['metadata', name])} is not a field of metadata${advice}`;
      return { check: 'FieldUnknown', severity: 'error', path: ['metadata', name], message };
    });
}

function faultOf(field: 'labels' | 'annotations', found: LabelFault | undefined): DocumentFault[] {
  if (!found) return [];
  const path = ['metadata', field, found.key];
  const message = `the ${field === 'labels' ? 'label' : 'annotation'} "${found.key}" ${found.message}`;
  return [{ check: field === 'labels' ? 'LabelInvalid' : 'AnnotationInvalid', severity: 'error', path, message }];
}

function unknownAnnotation(key: string): DocumentFault[] {
  if (!key.startsWith(annotationDomain) || knownAnnotations.has(key)) return [];
  const [similar] = similarTo(key, knownAnnotations);
  const advice =
    similar === undefined ? `; known are ${[...knownAnnotations].sort().join(', ')}` : `; did you mean ${similar}?`;
  const message = `Kplug has no annotation ${key}${advice}`;
  return [{ check: 'AnnotationUnknown', severity: 'warning', path: ['metadata', 'annotations', key], message }];
}
