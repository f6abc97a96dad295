// Who says variables and secrets: a project, an environment, or a server. Where they are in the API and on the page, and
// how they are changed.
import { part } from '../api/client'
import type { VariableView } from '../api/types'

export type Scope = { project: string; environment?: string } | { server: string }

/** The three kinds, as an answer names them. */
export type From = VariableView['from']

export function kind(scope: Scope): From {
  return 'server' in scope ? 'server' : scope.environment ? 'environment' : 'project'
}

/** Where it is in the API. */
export function place(scope: Scope): string {
  if ('server' in scope) return `/servers/${part(scope.server)}`
  const project = `/projects/${part(scope.project)}`
  return scope.environment ? `${project}/environments/${part(scope.environment)}` : project
}

/** Its screen. */
export function home(scope: Scope): string {
  if ('server' in scope) return `/servers/${part(scope.server)}`
  return scope.environment ? `/p/${part(scope.project)}/e/${part(scope.environment)}` : `/p/${part(scope.project)}`
}

/** Whoever says `one` in the list of `scope`. */
export function sayer(one: Pick<VariableView, 'from' | 'server'>, scope: Scope): Scope {
  if (one.from === 'server' && one.server) return { server: one.server }
  if (one.from === 'project' && 'project' in scope) return { project: scope.project }
  return scope
}

/** Whether `one` is changed in the list of `scope`, and not elsewhere. */
export function isOwn(one: Pick<VariableView, 'from'>, scope: Scope): boolean {
  return one.from === kind(scope)
}

export type Change = { method: 'PATCH' | 'PUT' | 'DELETE'; path: string; body?: unknown }

/** Says something new, or for the first time. */
export function saying(scope: Scope, { name, value, isSecret }: { name: string; value: string; isSecret: boolean }): Change {
  if (isSecret) return { method: 'PUT', path: `${place(scope)}/secrets/${part(name)}`, body: { value } }
  return { method: 'PATCH', path: place(scope), body: { variables: { [name]: value } } }
}

/** Says it no more. */
export function forgetting(scope: Scope, one: Pick<VariableView, 'name' | 'secret'>): Change {
  if (one.secret) return { method: 'DELETE', path: `${place(scope)}/secrets/${part(one.name)}` }
  return { method: 'PATCH', path: place(scope), body: { variables: { [one.name]: null } } }
}
