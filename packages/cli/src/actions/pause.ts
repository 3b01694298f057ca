import { pausedAnnotation } from '@kplug/controller/tools';
import { AnnotatedResource, type AnnotationChoice } from '../input/annotated-resource.ts';
import type { Terminal } from '../output/terminal.ts';

/** Pauses a resource. @param target `KIND/NAME` */
export async function pause(target: string, options: AnnotationChoice, terminal: Terminal): Promise<void> {
  const text = await annotate(target, options, 'true');
  terminal.print(`${text}: paused`);
}

/** Resumes a resource. @param target `KIND/NAME` */
export async function resume(target: string, options: AnnotationChoice, terminal: Terminal): Promise<void> {
  const text = await annotate(target, options, null);
  terminal.print(`${text}: resumed`);
}

async function annotate(target: string, options: AnnotationChoice, value: string | null): Promise<string> {
  const annotations = { [pausedAnnotation]: value };
  await using resource = await AnnotatedResource.open(target, options, annotations);
  await resource.annotate(annotations);
  return resource.text;
}
