// The keys of a combobox: a field with a list below it from which something is chosen (WAI-ARIA combobox pattern).

export class Combobox<T> {
  isOpen = $state(false)
  /** The place of the entry that Enter chooses; -1 where there is none. */
  at = $state(-1)
  #entries: () => T[]
  #choose: (one: T) => void

  /** Elements of entries have the id `${id}-${place}`. */
  constructor(readonly id: string, entries: () => T[], choose: (one: T) => void) {
    this.#entries = entries
    this.#choose = choose
  }

  /** The id of the entry that Enter chooses. */
  get active(): string | undefined {
    return this.isOpen && this.at >= 0 ? `${this.id}-${this.at}` : undefined
  }

  open(): void {
    this.isOpen = true
    this.at = -1
  }

  close(): void {
    this.isOpen = false
    this.at = -1
  }

  choose(one: T | undefined): void {
    if (one === undefined) return
    this.close()
    this.#choose(one)
  }

  key(event: KeyboardEvent): void {
    // An input method has the keys for itself while it is open.
    if (event.isComposing) return
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      this.isOpen = true
      this.at = Math.max(-1, Math.min(this.#entries().length - 1, this.at + (event.key === 'ArrowDown' ? 1 : -1)))
      document.getElementById(`${this.id}-${this.at}`)?.scrollIntoView({ block: 'nearest' })
    } else if (event.key === 'Enter' && this.isOpen && this.at >= 0) {
      event.preventDefault()
      this.choose(this.#entries()[this.at])
    } else if (event.key === 'Escape' && this.isOpen) {
      event.stopPropagation()
      this.close()
    }
  }
}
