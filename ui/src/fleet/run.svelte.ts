// The command that runs, or ran last: it goes on while its screen is left, and ends when somebody stops it or signs out.
import { ask } from '../api/lines'
import { Problem, url } from '../api/client'
import type { RunLine, RunRequest } from '../api/types'
import { session } from '../session.svelte'
import { Answers } from './answers.svelte'

/** What was asked for, to be asked for again. */
export type Order = RunRequest

/** So many earlier commands are offered. They are kept in this page only, and go with it. */
const EARLIER = 20

export class Run {
  order: Order | null = $state.raw(null)
  answers: Answers | null = $state.raw(null)
  error: unknown = $state.raw(undefined)
  isRunning = $state(false)
  /** Somebody stopped it. */
  isStopped = $state(false)
  /** Commands of this session, the latest first. */
  earlier: Order[] = $state.raw([])
  #stop: AbortController | null = null

  /** Runs it; whatever ran before has to have ended. */
  async start(order: Order, servers: string[]): Promise<void> {
    if (this.isRunning) return
    const stop = new AbortController()
    const answers = new Answers(servers)
    this.#stop = stop
    this.order = order
    this.answers = answers
    this.error = undefined
    this.isStopped = false
    this.isRunning = true
    this.earlier = [order, ...this.earlier.filter((one) => JSON.stringify(one) !== JSON.stringify(order))].slice(0, EARLIER)
    try {
      for await (const line of ask<RunLine>('POST', url('/run'), order, stop.signal)) answers.take(line)
      answers.flush()
      if (!answers.done && !stop.signal.aborted) this.isStopped = true
    } catch (problem) {
      if (stop.signal.aborted) this.isStopped = true
      else this.error = problem
      // What was refused ran nowhere.
      if (problem instanceof Problem) this.answers = null
    }
    answers.stop()
    this.isRunning = false
  }

  /** Ends the commands on all servers. */
  stop(): void {
    this.#stop?.abort()
  }

  /** Ends the commands, and keeps nothing of them: whoever signs in next may be somebody else. */
  forget(): void {
    this.stop()
    this.order = this.answers = null
    this.error = undefined
    this.earlier = []
  }
}

export const run = new Run()

$effect.root(() => {
  let user: string | undefined
  $effect(() => {
    const now = session.me?.user
    if (now !== user) run.forget()
    user = now
  })
})
