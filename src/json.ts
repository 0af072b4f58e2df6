// The type of parsed JSON. No parsing here: each boundary validates with its own schema.

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
