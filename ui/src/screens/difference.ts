// What was changed of a thing, as a JSON merge patch (RFC 7396): what others changed of it meanwhile stays.

type Table = Record<string, unknown>

const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What `table` says at `key`; nothing is `null`, as in a patch. */
const at = (table: Table, key: string): unknown => (Object.hasOwn(table, key) ? (table[key] ?? null) : null)

/** The patch that makes `after` of `before`; nothing where they say the same. What is gone is `null`, and tables are compared
 * key by key: a table that is to keep what others put in it must be there afterwards, if only empty. */
export function difference(before: Table, after: Table): Table | null {
  const patch: Table = {}
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [at(before, key), at(after, key)]
    if (isTable(was) && isTable(is)) {
      const inner = difference(was, is)
      if (inner) patch[key] = inner
    } else if (JSON.stringify(was) !== JSON.stringify(is)) patch[key] = is
  }
  return Object.keys(patch).length > 0 ? patch : null
}
