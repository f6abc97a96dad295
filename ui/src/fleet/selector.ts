// Completion of selectors: names, labels and saved groups, one term after another. What a selector means is for the server to say.
import type { ServerSpec } from '../api/types'
import { byName } from '../i18n/format'
import { list } from '../screens/forms'

/** A saved group, and who is in it now. */
export type Group = { name: string; servers: string[] }
/** Something that can be chosen, and how many servers it means. */
export type Term = { text: string; servers: number }

/** What stands before the term that is being written, and this term. */
export function open(selector: string): { before: string; term: string } {
  const at = Math.max(selector.lastIndexOf(','), selector.lastIndexOf('&')) + 1
  const space = /^\s*/.exec(selector.slice(at))?.[0] ?? ''
  return { before: selector.slice(0, at) + space, term: selector.slice(at + space.length) }
}

/** A selector that means these servers and no others, whatever is added to the fleet meanwhile. */
export function named(servers: string[]): string {
  return servers.join(',')
}

/** Every term that means some of these servers: all of them, labels, groups, names. */
export function terms(servers: ServerSpec[], groups: Group[] = []): Term[] {
  const labels = new Map<string, number>()
  for (const server of servers) {
    for (const [key, value] of Object.entries(server.labels ?? {})) {
      for (const word of list(value)) labels.set(`${key}=${word}`, (labels.get(`${key}=${word}`) ?? 0) + 1)
    }
  }
  return [
    { text: 'all', servers: servers.length },
    ...groups.map((group) => ({ text: `@${group.name}`, servers: group.servers.length })).sort((a, b) => byName(a.text, b.text)),
    ...[...labels].sort(([a], [b]) => byName(a, b)).map(([text, count]) => ({ text, servers: count })),
    ...servers.map((server) => ({ text: server.name, servers: 1 })).sort((a, b) => byName(a.text, b.text)),
  ]
}

/** What fits to the term that is being written; what begins with it comes first. A term that is whole needs no help. */
export function fitting(all: Term[], selector: string, most = 50): Term[] {
  const { term } = open(selector)
  const words = term.trim().toLowerCase()
  const fits = all.filter((one) => one.text.toLowerCase().includes(words))
  if (words && fits.some((one) => one.text === words) && fits.length === 1) return []
  const begins = (one: Term): number => (one.text.toLowerCase().startsWith(words) ? 0 : 1)
  return fits.toSorted((a, b) => begins(a) - begins(b)).slice(0, most)
}
