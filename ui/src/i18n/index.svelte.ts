// The words of the page, in the language of its reader.
import { en } from './en'
import { zh } from './zh'

export type Messages = typeof en
export type Locale = 'en' | 'zh'

const ALL: Record<Locale, Messages> = { en, zh }
const YEAR = 365 * 24 * 3600

let current: Locale = $state(document.documentElement.lang === 'zh' ? 'zh' : 'en')

export function locale(): Locale {
  return current
}

/** The messages; reading it in a template follows the language. */
export function t(): Messages {
  return ALL[current]
}

export function setLocale(next: Locale): void {
  current = next
  document.documentElement.lang = next
  document.cookie = `aweigh-lang=${next}; path=/; max-age=${YEAR}; samesite=strict`
}

export type Theme = 'auto' | 'light' | 'dark'

let theme: Theme = $state((document.documentElement.dataset.theme as Theme) ?? 'auto')

export function themeOf(): Theme {
  return theme
}

export function setTheme(next: Theme): void {
  theme = next
  document.documentElement.dataset.theme = next
  document.cookie = `aweigh-theme=${next}; path=/; max-age=${YEAR}; samesite=strict`
}
