/** Part of a JSON Schema that a CustomResourceDefinition can't express, or that the API server would refuse. */
export interface SchemaNote {
  /** Field, such as `.spec.columns[].name`. */
  field: string;
  /** Description of the loss in one sentence. */
  message: string;
}
