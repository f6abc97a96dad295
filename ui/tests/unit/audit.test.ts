// The audit log: where a thing is, and what was done to it, in words.
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test, vi } from 'vitest'

vi.stubGlobal('document', { documentElement: { lang: 'en', dataset: {} }, cookie: '' })
const { deed, thing } = await import('../../src/screens/audit')
const { en, zh } = await import('../../src/i18n/tools')

test.each([
  ['server:web-1', 'server', 'web-1', '/servers/web-1'],
  ['environment:shop/production', 'environment', 'shop/production', '/p/shop/e/production'],
  ['project:shop', 'project', 'shop', '/p/shop'],
  ['release:42', 'release', '42', '/r/42'],
  ['user:ada', 'user', 'ada', '/users'],
  ['installation', 'installation', '', null],
  // What is no thing of ours leads nowhere.
  ['release:x', 'release', 'x', null],
  ['environment:shop', 'environment', 'shop', null],
  ['environment:a/b/c', 'environment', 'a/b/c', null],
  ['server:', 'server', '', null],
  ['constructor:x', 'constructor', 'x', null],
  ['server:a/../b?c#d', 'server', 'a/../b?c#d', '/servers/a%2F..%2Fb%3Fc%23d'],
])('%s is a %s named %j', (object, kind, name, path) => {
  expect(thing(object)).toEqual({ kind, name, path })
})

test('a deed is told by its own words, else by those of its verb, else as it is', () => {
  expect(deed('server.put', en.audit.deeds)).toBe('saved')
  expect(deed('session.begin', en.audit.deeds)).toBe('signed in')
  expect(deed('session.begin', zh.audit.deeds)).toBe('登录')
  expect(deed('moon.landing', en.audit.deeds)).toBe('moon.landing')
  expect(deed('x.constructor', en.audit.deeds)).toBe('x.constructor')
})

test('every deed that the server records has words', () => {
  const deeds = ['actions', 'store', 'aweigh'].flatMap((name) => {
    const folder = resolve(import.meta.dirname, '../../../crates', name, 'src')
    const files = (readdirSync(folder, { recursive: true }) as string[]).filter((path) => path.endsWith('.rs'))
    return files.flatMap((path) => {
      const code = readFileSync(join(folder, path), 'utf8').split('#[cfg(test)]')[0] ?? ''
      return [...code.matchAll(/(?:\bdeed\(|\bown\(|\bDeed::new\(|=>\s*\{?\s*\()[^;{}"]*"([a-z_]+\.[a-z_]+)"/g)].map((found) => found[1] ?? '')
    })
  })
  expect(deeds).toEqual(expect.arrayContaining(['server.put', 'release.create', 'shell.open', 'secrets.use', 'environment.delete']))
  expect(deeds.filter((what) => deed(what, en.audit.deeds) === what || deed(what, zh.audit.deeds) === what)).toEqual([])
})
