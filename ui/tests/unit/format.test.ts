// Bytes, rates and times as they are written.
import { expect, test, vi } from 'vitest'

vi.stubGlobal('document', { documentElement: { lang: 'en', dataset: {} }, cookie: '' })
const { bytes, rate, seconds } = await import('../../src/i18n/format')
const { setLocale } = await import('../../src/i18n/index.svelte')
/** A space as wide as a digit. */
const _ = '\u2007'

test.each([
  [0, '0 B'], [999, '999 B'], [1_000, '1.00 kB'], [12_345, '12.3 kB'], [123_456, '123 kB'], [1_234_567, '1.23 MB'], [45_000_000, '45.0 MB'],
  [5_600_000_000, '5.60 GB'], [7e12, '7.00 TB'], [Number.MAX_SAFE_INTEGER, '9,007 TB'],
])('%d bytes', async (n, written) => {
  for (const language of ['en', 'zh'] as const) {
    await setLocale(language)
    expect(bytes(n)).toBe(written)
    expect(rate(n)).toBe(`${written}/s`)
  }
})

test('a part is written as its whole is, and as wide', () => {
  expect([0, 900, 1_234_567, 45_000_000].map((n) => bytes(n, 45_000_000))).toEqual([`${_}0.0 MB`, `${_}0.0 MB`, `${_}1.2 MB`, '45.0 MB'])
  expect(bytes(7, 456_000_000)).toBe(`${_}${_}0 MB`)
  expect(bytes(7, 456)).toBe(`${_}${_}7 B`)
  for (const whole of [1, 999, 1_000, 99_949, 99_950, 999_999, 5e9, 3e15]) {
    for (const part of [0, 0.3, 0.999, 1]) expect(bytes(Math.floor(whole * part), whole)).toHaveLength(bytes(whole).length)
  }
})

test('a time that is left has no parts of seconds', () => {
  expect([0, 8, 59, 60, 185, 3_723].map(seconds)).toEqual(['0 s', '8 s', '59 s', '1:00', '3:05', '1:02:03'])
})
