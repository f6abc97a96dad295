// Whether the page is dark now: as somebody chose, or as the system is.
import { themeOf } from '../i18n/index.svelte'

class Dark {
  #system = $state(false)

  constructor() {
    const query = matchMedia('(prefers-color-scheme: dark)')
    this.#system = query.matches
    query.addEventListener('change', () => { this.#system = query.matches })
  }

  get now(): boolean {
    return themeOf() === 'auto' ? this.#system : themeOf() === 'dark'
  }
}

export const dark = new Dark()
