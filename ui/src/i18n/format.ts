// Times, spans, bytes and numbers as people of a language write them.
import { locale } from './index.svelte'

const tag = (): string => (locale() === 'zh' ? 'zh-CN' : 'en-GB')

/** `14:02`, with the day where that is not today. */
export function time(at: string | number | Date): string {
  const when = new Date(at)
  const today = new Date().toDateString() === when.toDateString()
  return new Intl.DateTimeFormat(tag(), today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' }).format(when)
}

/** The whole moment, for a tooltip. */
export function moment(at: string): string {
  return new Intl.DateTimeFormat(tag(), { dateStyle: 'full', timeStyle: 'medium' }).format(new Date(at))
}

/** `3 minutes ago`. */
export function ago(at: string, now: number): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000)
  const form = new Intl.RelativeTimeFormat(tag(), { numeric: 'auto' })
  const size = Math.abs(seconds)
  if (size < 60) return form.format(Math.min(0, seconds), 'second')
  if (size < 3600) return form.format(Math.round(seconds / 60), 'minute')
  if (size < 86_400) return form.format(Math.round(seconds / 3600), 'hour')
  return form.format(Math.round(seconds / 86_400), 'day')
}

/** `0.4 s`, `12 s`, `3:05`, `1:02:03`: short enough for a node. */
export function span(ms: number): string {
  if (ms < 0) ms = 0
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const two = (n: number): string => String(n).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

/** `8 s`, `3:05`: a time that is known in whole seconds. */
export function seconds(n: number): string {
  return n < 60 ? `${n} s` : span(n * 1000)
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB']

/** Three digits: `1.23 MB`, `12.3 MB`, `123 MB`. As a part of a whole it has the unit and the width of that, so that what
 * counts up stays where it is. */
export function bytes(n: number, whole = n): string {
  let size = 1
  let power = 0
  while (whole / size >= 1000 && power < SIZES.length - 1) {
    size *= 1000
    power += 1
  }
  const digits = power === 0 ? 0 : whole / size < 10 ? 2 : whole / size < 100 ? 1 : 0
  const form = new Intl.NumberFormat(tag(), { minimumFractionDigits: digits, maximumFractionDigits: digits })
  // U+2007 is a space as wide as a digit.
  return `${form.format(n / size).padStart(form.format(whole / size).length, '\u2007')} ${SIZES[power]}`
}

/** `12.3 MB/s`. */
export function rate(n: number): string {
  return `${bytes(n)}/s`
}

export function number(n: number): string {
  return new Intl.NumberFormat(tag()).format(n)
}

/** In the order that people expect: web-2 before web-10. */
export function byName(a: string, b: string): number {
  return new Intl.Collator('zh-CN', { numeric: true }).compare(a, b)
}
