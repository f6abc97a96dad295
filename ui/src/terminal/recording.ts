// A recording in a list: how long the shell was open, and how it ended.
import type { Recording } from '../api/types'

/** In milliseconds; null while it is open. */
export function lasted({ started_at, ended_at }: Pick<Recording, 'started_at' | 'ended_at'>): number | null {
  return ended_at ? new Date(ended_at).getTime() - new Date(started_at).getTime() : null
}

type Words = { openNow: string; exit: (code: number) => string; ended: string }

/** How it ended, as far as anybody knows. */
export function outcome({ ended_at, exit, reason }: Pick<Recording, 'ended_at' | 'exit' | 'reason'>, words: Words): string {
  if (!ended_at) return words.openNow
  if (typeof exit === 'number') return words.exit(exit)
  return reason ?? words.ended
}
