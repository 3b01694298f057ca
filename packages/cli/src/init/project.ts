import type { Language } from './project-names.ts';

/** Kinds of projects that `kplug init` creates. */
export const projects = ['plugin', 'operator'] as const;
export type Project = (typeof projects)[number];

/** Texts about a kind of project, and the folders of its template. */
interface ProjectType {
  /** Answer to the question for the kind of project. */
  label: string;
  hint: string;
  /** Default of the directory. */
  folder: string;
  /** Folders whose files a project has. */
  templates(language: Language): readonly string[];
  /** Reports whether its dependencies come from npm. */
  isNode(language: Language): boolean;
  /** File with values of the templates. */
  values(language: Language): string;
}

/** Kinds of projects. The kind of the resources is the same in all of them. */
export const projectTypes: Record<Project, ProjectType> = {
  plugin: {
    label: 'a kind and a plugin for it',
    hint: 'TypeScript, Python or Go',
    folder: './my-plugin',
    templates: (language) => ['kind', 'plugin/shared', `plugin/${language}`],
    isNode: (language) => language === 'typescript',
    values: (language) => `plugin/${language}.yaml`,
  },
  operator: {
    label: 'an operator of your own',
    hint: 'TypeScript, with @kplug/controller',
    folder: './my-operator',
    templates: () => ['kind', 'operator/files'],
    isNode: () => true,
    values: () => 'operator/values.yaml',
  },
};
