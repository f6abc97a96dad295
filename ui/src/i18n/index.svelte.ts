// The words of the page, in the language of its reader. English is part of the page, since the others are checked against
// it; another language comes when somebody reads it.
import { en } from './en'

export type Messages = typeof en
export type Locale = 'en' | 'zh'

const YEAR = 365 * 24 * 3600

let current: Locale = $state('en')
let messages: Messages = $state.raw(en)

export function locale(): Locale {
  return current
}

/** The messages; reading it in a template follows the language. */
export function t(): Messages {
  return messages
}

/** Speaks the language that the document says; nothing is drawn before. Without its words the page speaks English. */
export async function speak(): Promise<void> {
  if (document.documentElement.lang === 'zh') await read('zh').catch(() => undefined)
}

async function read(next: Locale): Promise<void> {
  messages = next === 'zh' ? (await import('./zh')).zh : en
  current = next
}

export async function setLocale(next: Locale): Promise<void> {
  await read(next)
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
