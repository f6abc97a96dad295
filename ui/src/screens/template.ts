// Hook templates between the form and the API, and where one may be tried.
import type { BoardRow, TemplateSpec } from '../api/types'
import { filled } from './forms'

/** A template as the form has it. */
export type TemplateForm = { name: string; about: string; run: string; timeout: string; idle_timeout: string; allow_failure: boolean; rerun: string }

/** What stands in the form when `name` says `spec`. */
export function written(name: string, spec: TemplateSpec): TemplateForm {
  return {
    name, about: spec.about ?? '', run: spec.run, timeout: spec.timeout ?? '', idle_timeout: spec.idle_timeout ?? '',
    allow_failure: spec.allow_failure ?? false, rerun: spec.rerun === 'safe' ? 'safe' : '',
  }
}

/** What the form says, as it is sent. */
export function spec({ name: _, ...form }: TemplateForm): Record<string, unknown> {
  return filled({ ...form, allow_failure: form.allow_failure || undefined })
}

/** The first line that says something, for a list. */
export function firstLine(run: string): string {
  const lines = run.split('\n').map((line) => line.trim()).filter(Boolean)
  return lines.find((line) => !line.startsWith('#')) ?? lines[0] ?? ''
}

/** Where somebody wants to try a template; what is not there is chosen anew. */
export type Wish = { project: string; environment: string; server: string }

/** What can be chosen, and what is chosen: the wish as far as it is there, else what is live, else what comes first. */
export type Choice = Wish & { projects: string[]; environments: string[]; servers: string[]; live: boolean }

/** Only environments with servers can be chosen, and of servers only theirs. */
export function choose(board: BoardRow[], wish: Wish): Choice {
  const rows = board.filter((row) => row.servers.length > 0)
  const first = rows.find((row) => row.live) ?? rows[0]
  const projects = [...new Set(rows.map((row) => row.project))]
  const project = projects.includes(wish.project) ? wish.project : first?.project ?? ''
  const sites = rows.filter((row) => row.project === project)
  const site = sites.find((row) => row.environment === wish.environment) ?? sites.find((row) => row.live) ?? sites[0]
  const servers = site?.servers ?? []
  const server = servers.includes(wish.server) ? wish.server : servers[0] ?? ''
  return {
    projects, project, environments: sites.map((row) => row.environment), environment: site?.environment ?? '',
    servers, server, live: Boolean(site?.live),
  }
}
