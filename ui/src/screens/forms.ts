// Between the forms of the page and the specs of the API: lists are written one per line.
import { Problem } from '../api/client'

type OneOrMany<T> = T | T[] | null | undefined

/** A list as lines; what is not a plain text stays out of the form. */
export function lines(value: OneOrMany<unknown>): string {
  return list(value).filter((one) => typeof one === 'string').join('\n')
}

/** Whether a form can show all of it. */
export function isPlain(value: OneOrMany<unknown>): boolean {
  return list(value).every((one) => typeof one === 'string')
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
