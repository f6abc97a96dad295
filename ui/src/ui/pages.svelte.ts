// A list that comes in pages, the newest first: the first page is loaded like everything, older ones when somebody asks.
import type { Page } from '../api/types'
import { Load } from './load.svelte'

type Ask<T> = (before: number | null, signal?: AbortSignal) => Promise<Page<T>>

export class Pages<T> {
  /** The first page. */
  readonly load: Load<T[]>
  /** What was asked for after it. */
  older: T[] = $state.raw([])
  /** Whether there is more. */
  isMore = $state(false)
  /** Why an older page did not come. */
  error: unknown = $state.raw(undefined)
  #next: number | null = null
  #ask: Ask<T>
  #asking: object | null = null

  constructor(ask: Ask<T>) {
    this.#ask = ask
    this.load = new Load(async (signal) => {
      const page = await ask(null, signal)
      // A page that is still on its way belongs to the list before.
      this.#asking = null
      this.older = []
      this.error = undefined
      this.#follow(page)
      return page.items
    })
  }

  /** Asks for the next page; once at a time. */
  async more(): Promise<void> {
    if (this.#asking || !this.isMore) return
    const asking = {}
    this.#asking = asking
    this.error = undefined
    try {
      const page = await this.#ask(this.#next)
      if (this.#asking !== asking) return
      this.older = [...this.older, ...page.items]
      this.#follow(page)
    } catch (problem) {
      if (this.#asking === asking) this.error = problem
    }
    if (this.#asking === asking) this.#asking = null
  }

  #follow(page: Page<T>): void {
    this.#next = page.next ?? null
    this.isMore = this.#next !== null
  }
}
