// Something to load for a screen: asked for again when what it depends on changes, or when somebody says so.

export class Load<T> {
  value: T | undefined = $state.raw(undefined)
  error: unknown = $state.raw(undefined)
  #ask: (signal: AbortSignal) => Promise<T>
  #stop: AbortController | null = null

  constructor(ask: (signal: AbortSignal) => Promise<T>) {
    this.#ask = ask
    $effect(() => {
      void this.#load(true)
      return () => this.#stop?.abort()
    })
  }

  /** Asks again; what is shown stays until the answer comes, and when none comes. */
  again(): Promise<void> {
    return this.#load(false)
  }

  /** Why another question had no answer is nothing to this one; what it was answered goes when this one has none. */
  async #load(isOther: boolean): Promise<void> {
    this.#stop?.abort()
    const stop = new AbortController()
    this.#stop = stop
    if (isOther) this.error = undefined
    try {
      const value = await this.#ask(stop.signal)
      if (this.#stop === stop) [this.value, this.error] = [value, undefined]
    } catch (error) {
      if (this.#stop !== stop || stop.signal.aborted) return
      this.error = error
      if (isOther) this.value = undefined
    }
  }
}
