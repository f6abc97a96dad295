// A server between its form and the API.
import { filled, list, number, split } from './forms'

/** A server as it is stored, as far as the form shows it. */
export type Spec = {
  name: string; host: string; port?: number | null; user?: string | null; credential?: string | null; jump?: string | null
  host_key?: string | string[] | null; labels?: Record<string, string | string[]>; legacy_algorithms?: boolean | null
}

/** A server as the form has it. */
export type ServerForm = { name: string; host: string; port: string; user: string; credential: string; jump: string; labels: string; host_key: string }

/** What stands in the form of a server. */
export function written(one: Spec): ServerForm {
  const labels = Object.entries(one.labels ?? {}).flatMap(([key, value]) => list(value).map((word) => `${key}=${word}`))
  return {
    name: one.name, host: one.host, port: String(one.port ?? ''), user: one.user ?? '', credential: one.credential ?? '', jump: one.jump ?? '',
    labels: labels.join('\n'), host_key: list(one.host_key).join('\n'),
  }
}

/** What the form says, as it is sent. */
export function spec(form: ServerForm, stored: Partial<Spec>): Record<string, unknown> {
  // Without the names that every object has: a label may be called so.
  const labels: Record<string, string[]> = Object.create(null)
  for (const line of split(form.labels) ?? []) {
    const [key, ...rest] = line.split('=')
    ;(labels[(key ?? '').trim()] ??= []).push(rest.join('=').trim())
  }
  // Where nothing is said, what is pinned stays.
  const isUnpinned = list(stored.host_key).length > 0 && form.host !== 'local'
  return filled({
    host: form.host, port: number(form.port), user: form.user, credential: form.credential, jump: form.jump,
    labels, host_key: split(form.host_key) ?? (isUnpinned ? [] : undefined),
  })
}
