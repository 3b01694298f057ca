import { z } from 'zod';
import { delegationSchema } from '../delegation/declaration-schema.ts';
import type { JsonObject } from '../resources/resource.ts';

/** Returns the JSON schema (draft 7) of `DelegationDeclaration`, with the description of each field. */
export function delegationJsonSchema(): JsonObject {
  const { $schema: _, ...schema } = z.toJSONSchema(delegationSchema, { io: 'input', target: 'draft-7' });
  return schema as JsonObject;
}
