// Deeds of the audit log as people read them, and where the things are that they were done to.
import { part } from '../api/client'

/** A thing as the audit log writes it, such as `environment:shop/production`: its kind, its name, and its screen where it has one. */
export type Thing = { kind: string; name: string; path: string | null }

const SCREENS: Record<string, (name: string) => string | null> = {
  server: (name) => `/servers/${part(name)}`,
  credential: (name) => `/credentials/${part(name)}`,
  hook: (name) => `/hooks/${part(name)}`,
  project: (name) => `/p/${part(name)}`,
  release: (name) => (/^\d+$/.test(name) ? `/r/${name}` : null),
  user: () => '/users',
  environment: (name) => {
    const [project, environment, ...rest] = name.split('/')
    return project && environment && rest.length === 0 ? `/p/${part(project)}/e/${part(environment)}` : null
  },
}

export function thing(object: string): Thing {
  const at = object.indexOf(':')
  const [kind, name] = at < 0 ? [object, ''] : [object.slice(0, at), object.slice(at + 1)]
  // Only kinds that are listed here: a name may be anything.
  const screen = Object.hasOwn(SCREENS, kind) && name ? SCREENS[kind] : undefined
  return { kind, name, path: screen?.(name) ?? null }
}

/** What was done, in words: those of the deed itself, else those of its verb; a deed that is newer than this page stays as it is. */
export function deed(what: string, words: Record<string, string>): string {
  const verb = what.slice(what.lastIndexOf('.') + 1)
  return own(words, what) ?? own(words, verb) ?? what
}

export function own<T>(from: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(from, key) ? from[key] : undefined
}
