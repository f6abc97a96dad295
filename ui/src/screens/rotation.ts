// A key that is replaced on every server that is logged in to with it: how far it is on each.
import type { RotateAnswer } from '../api/types'
import { byName } from '../i18n/format'

type State = RotateAnswer['servers'][number]['state']
export type Row = { name: string; status: 'pending' | 'running' | 'ok' | 'warning' | 'failed'; state: State; trouble?: string }

/** Each server by name; what an answer says of it is right until it is asked again. */
export function rows(servers: string[], answer: RotateAnswer | null, isAsking: boolean): Row[] {
  const said = new Map((answer?.servers ?? []).map((one) => [one.name, one]))
  return [...new Set([...servers, ...said.keys()])].sort(byName).map((name) => {
    const { state = 'old', trouble } = said.get(name) ?? {}
    // What holds up a server that lets the new key in is no danger: it only lets in the old one, too.
    const status = isAsking ? 'running' : state === 'new' ? 'ok' : !trouble ? 'pending' : state === 'old' ? 'failed' : 'warning'
    return { name, status, state, trouble: isAsking ? undefined : (trouble ?? undefined) }
  })
}

/** Whether the old key is let in nowhere any more. */
export function isOver(answer: RotateAnswer | null): boolean {
  return answer !== null && answer.replaced && answer.servers.every((one) => one.state === 'new')
}
