// Between the forms of the page and the specs of the API: lists are written one per line.
import { Problem } from '../api/client'

type OneOrMany<T> = T | T[] | null | undefined

/** How one thing of a list is a line, and a line such a thing. What `write` makes no text of is no line. */
export type Lined<T> = { write: (one: T) => unknown; read: (line: string) => T }

const TEXT: Lined<unknown> = { write: (one) => one, read: (line) => line }

export type Check = { http?: string; command?: string }

/** A health check as a line: a URL or a command. With limits of its own it is more than that. */
export const CHECK: Lined<Check> = {
  write: (one) => (Object.keys(one).length === 1 ? (one.http ?? one.command) : one),
  read: (line) => (/^https?:/.test(line) ? { http: line } : { command: line }),
}

/** Whether lines can say what is stored: several texts of one line each, or nothing. An empty list is not nothing: it takes
 * the place of what is inherited. */
export function isPlain<T>(stored: OneOrMany<T>, as: Pick<Lined<T>, 'write'> = TEXT): boolean {
  if (stored === null || stored === undefined) return true
  const written = list(stored).map(as.write)
  return written.length > 0 && written.every((one) => typeof one === 'string' && !/[\r\n]/.test(one))
}

/** What is stored as the text of a field: lines, or all of it where lines cannot say it. */
export function lines<T>(stored: OneOrMany<T>, as: Pick<Lined<T>, 'write'> = TEXT): string {
  if (isPlain(stored, as)) return list(stored).map(as.write).join('\n')
  return typeof stored === 'string' ? stored : JSON.stringify(stored, null, 2)
}

/** What a field of lines sends: what is stored, as long as nobody changed its text. */
export function sent<T>(text: string, stored: OneOrMany<T>, as: Lined<T> = TEXT as Lined<T>): OneOrMany<T> {
  return text === lines(stored, as) ? stored : split(text)?.map(as.read)
}

/** A number as it was typed. What is none is told by whoever checks it. */
export function number(text: string): number | string {
  const word = text.trim()
  return /^\d+$/.test(word) ? Number(word) : word
}

export function list<T>(value: OneOrMany<T>): T[] {
  return value === null || value === undefined ? [] : Array.isArray(value) ? value : [value]
}

/** Lines as a list; nothing when there is none, so that the default applies. */
export function split(text: string): string[] | undefined {
  const parts = text.split('\n').map((line) => line.trim()).filter(Boolean)
  return parts.length > 0 ? parts : undefined
}

/** What is empty is not sent. */
export function filled(spec: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== '' && value !== undefined && value !== null))
}

/** What the server says is wrong at `path` or below. */
export function wrongAt(error: unknown, path: string): string | undefined {
  if (!(error instanceof Problem)) return undefined
  const found = error.errors.filter((one) => one.field === path || one.field.startsWith(`${path}.`) || one.field.startsWith(`${path}[`))
  return found.length > 0 ? found.map((one) => one.message).join('; ') : undefined
}
