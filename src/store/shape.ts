/**
 * The shape of what is read: a value of ours may be of another version, cut off, or somebody else's. A shape looks at every
 * member that the code relies on, and is cheap: the scan of a topic looks at each of its subscribers.
 */
export type Shape<T> = (value: unknown) => value is T;

export const text: Shape<string> = (value): value is string => typeof value === "string";

/** Text that stands in one line: it is printed into event streams. */
export const line: Shape<string> = (value): value is string => text(value) && !/[\r\n\0]/.test(value);

/** Milliseconds, or a count. */
export const number: Shape<number> = (value): value is number => Number.isFinite(value);

/** Milliseconds since 1970 that a date can hold. */
export const instant: Shape<number> = (value): value is number => number(value) && Math.abs(value) <= 8.64e15;

export const textOrNull: Shape<string | null> = (value): value is string | null => value === null || text(value);

export const flag: Shape<boolean> = (value): value is boolean => typeof value === "boolean";

export function oneOf<const T>(...values: T[]): Shape<T> {
  return (value): value is T => values.includes(value as T);
}

export function matching(pattern: RegExp): Shape<string> {
  return (value): value is string => text(value) && pattern.test(value);
}

export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value): value is T | undefined => value === undefined || shape(value);
}

export function list<T>(shape: Shape<T>, { min = 0, max = Infinity } = {}): Shape<T[]> {
  return (value): value is T[] =>
    Array.isArray(value) && value.length >= min && value.length <= max && value.every(shape);
}

export const texts = list(text);

/** An object, of whose members nothing is known yet. */
export function object<T extends object>(value: unknown): value is Record<keyof T, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object with these members; whatever else it has is nobody's concern. */
export function members<T extends object>(shapes: { [Name in keyof T]-?: Shape<T[Name]> }): Shape<T> {
  const entries = Object.entries(shapes) as [string, Shape<unknown>][];
  return (value): value is T => {
    if (!object<Record<string, unknown>>(value)) return false;
    for (const [name, shape] of entries) if (!shape(value[name])) return false;
    return true;
  };
}

/** As the database numbers its commits. */
export const versionstamp = matching(/^[0-9a-f]{20}$/);
