// The way from screen to screen, and who may hold it up.
import { beforeEach, expect, test, vi } from 'vitest'

/** A browser, as far as going from page to page needs one. */
const there = { pathname: '/', search: '', hash: '', href: 'http://page/' }
const move = (target: string): void => {
  const { pathname, search, hash, href } = new URL(target, there.href)
  Object.assign(there, { pathname, search, hash, href })
}
let tellings: [string, (event: { preventDefault: () => void }) => void][] = []
const tell = (what: string, event = { preventDefault: vi.fn() }) => {
  for (const [name, hear] of tellings) if (name === what) hear(event)
  return event
}
const asked: string[] = []
let answer = true
vi.stubGlobal('location', there)
vi.stubGlobal('history', { pushState: (_: unknown, __: string, target: string) => move(target), replaceState: (_: unknown, __: string, target: string) => move(target) })
vi.stubGlobal('document', { addEventListener: () => {} })
vi.stubGlobal('addEventListener', (name: string, hear: () => void) => tellings.push([name, hear]))
vi.stubGlobal('removeEventListener', (_: string, hear: () => void) => { tellings = tellings.filter(([, one]) => one !== hear) })
vi.stubGlobal('scrollTo', () => {})
vi.stubGlobal('confirm', (question: string) => { asked.push(question); return answer })
const { go, guard, listen, replaceQuery, route } = await import('../../src/router.svelte')
listen()

beforeEach(() => {
  go('/servers/web-1/shell?a=1#b')
  asked.length = 0
  answer = true
})

test('a screen where something would be lost is left only by whoever says so', () => {
  let isOpen = true
  const free = guard(() => (isOpen ? 'lose it?' : null))
  answer = false
  go('/servers')
  expect([route().path, there.pathname, asked]).toEqual(['/servers/web-1/shell', '/servers/web-1/shell', ['lose it?']])
  // On the same screen nothing is lost.
  go('/servers/web-1/shell?a=2')
  expect([route().query.get('a'), asked.length]).toEqual(['2', 1])
  answer = true
  go('/servers')
  expect([route().path, asked.length]).toEqual(['/servers', 2])
  isOpen = false
  go('/')
  expect([route().path, asked.length]).toEqual(['/', 2])
  isOpen = true
  free()
  go('/history')
  expect([route().path, asked.length]).toEqual(['/history', 2])
})

test('the back button of the browser is asked, too, and taken back', () => {
  const free = guard(() => 'lose it?')
  answer = false
  move('/servers')
  tell('popstate')
  expect([route().path, there.href]).toEqual(['/servers/web-1/shell', 'http://page/servers/web-1/shell?a=1#b'])
  answer = true
  move('/servers')
  tell('popstate')
  expect([route().path, asked.length]).toEqual(['/servers', 2])
  free()
})

test('the browser asks before it leaves the page, as long as something would be lost', () => {
  let isOpen = true
  const free = guard(() => (isOpen ? 'lose it?' : null))
  expect(tell('beforeunload').preventDefault).toHaveBeenCalledOnce()
  isOpen = false
  expect(tell('beforeunload').preventDefault).not.toHaveBeenCalled()
  isOpen = true
  free()
  expect(tell('beforeunload').preventDefault).not.toHaveBeenCalled()
  expect(asked).toEqual([])
})

test('a screen that is gone takes no question from the one that came', () => {
  const first = guard(() => 'first?')
  const second = guard(() => 'second?')
  first()
  go('/servers')
  expect(asked).toEqual(['second?'])
  second()
})

test('what is chosen is part of the address, and a line only where it is still meant', () => {
  replaceQuery({ node: 'build' })
  expect(there.href).toBe('http://page/servers/web-1/shell?a=1&node=build#b')
  replaceQuery({ node: 'fetch', a: null }, '')
  expect([there.href, route().hash]).toEqual(['http://page/servers/web-1/shell?node=fetch', ''])
})
