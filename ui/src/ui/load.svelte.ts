// Something to load for a screen: asked for again when what it depends on changes, or when somebody says so.

export class Load<T> {
  value: T | undefined = $state.raw(undefined)
  error: unknown = $state.raw(undefined)
  #ask: (signal: AbortSignal) => Promise<T>
  #stop: AbortController | null = null

  constructor(ask: (signal: AbortSignal) => Promise<T>) {
    this.#ask = ask
    $effect(() => {
      void this.again()
      return () => this.#stop?.abort()
    })
  }

  /** Asks again; what is shown stays until the answer comes. */
  async again(): Promise<void> {
    this.#stop?.abort()
    const stop = new AbortController()
    this.#stop = stop
    try {
      const value = await this.#ask(stop.signal)
      if (this.#stop === stop) [this.value, this.error] = [value, undefined]
    } catch (error) {
      if (this.#stop === stop && !stop.signal.aborted) this.error = error
    }
  }
}
