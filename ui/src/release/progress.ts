// The bytes of uploads: what is believed of the figures that come, and how they are asked for where no WebSocket brings
// them.
import type { Bytes } from '../api/types'

/** The uploads that are under way, and the sums over all that have begun. */
export type Uploads = Bytes & { nodes: ReadonlyMap<string, Bytes> }

/** How often they are asked for at most. */
export const EVERY = 2_000
/** A time that is longer than this is no estimate. */
const LONGEST = 99 * 3600

function whole(value: unknown, most = Number.MAX_SAFE_INTEGER): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= most ? Math.floor(value) : undefined
}

/** Figures that can be drawn; nothing where they make no sense, or nothing is to be sent. */
function figures(raw: unknown): Bytes | null {
  if (typeof raw !== 'object' || raw === null) return null
  const { sent, total, rate, remaining } = raw as Record<string, unknown>
  const [some, all] = [whole(sent), whole(total)]
  if (some === undefined || !all) return null
  return { sent: Math.min(some, all), total: all, rate: whole(rate), remaining: whole(remaining, LONGEST) }
}

/** Reads what came; of the uploads those that `isOpen` knows as not settled. Nothing when none of them is under way. */
export function readProgress(raw: unknown, isOpen: (key: string) => boolean): Uploads | null {
  const sum = figures(raw)
  if (!sum) return null
  const nodes = new Map<string, Bytes>()
  for (const [key, one] of Object.entries((raw as { nodes?: unknown }).nodes ?? {})) {
    const bytes = isOpen(key) ? figures(one) : null
    if (bytes) nodes.set(key, bytes)
  }
  return nodes.size > 0 ? { ...sum, nodes } : null
}

/** Asks again and again, one question at a time; so often at most. */
export class Asking {
  #every: number
  #last = -Infinity

  constructor(every = EVERY) {
    this.#every = every
  }

  /** Begins, and answers how to end it. Who begins again soon after an end does not ask sooner for that. */
  begin(ask: (signal: AbortSignal) => Promise<void>): () => void {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout>
    const next = (): void => { timer = setTimeout(go, Math.max(0, this.#last + this.#every - performance.now())) }
    const go = async (): Promise<void> => {
      this.#last = performance.now()
      // An answer that is lost is no loss: the next one tells more.
      await ask(stop.signal).catch(() => undefined)
      if (!stop.signal.aborted) next()
    }
    next()
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }
}
