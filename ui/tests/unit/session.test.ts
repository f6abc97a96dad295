// Who is signed in: signing out is done when the server says so.
import { beforeEach, expect, test, vi } from 'vitest'
import { Offline, Problem } from '../../src/api/client'
import type { Me } from '../../src/api/types'
import { session } from '../../src/session.svelte'

const me = { user: 'ada' } as Me
beforeEach(() => { session.me = me })

test.each([[204, null], [401, JSON.stringify({ code: 'unauthenticated' })]])('after an answer %i nobody is signed in', async (status, body) => {
  vi.stubGlobal('fetch', async () => new Response(body, { status }))
  await session.signOut()
  expect(session.me).toBeNull()
})

test('whoever could not be signed out is told, and still signed in', async () => {
  vi.stubGlobal('fetch', async () => new Response('{}', { status: 503 }))
  await expect(session.signOut()).rejects.toThrow(Problem)
  vi.stubGlobal('fetch', async () => { throw new TypeError('failed to fetch') })
  await expect(session.signOut()).rejects.toThrow(Offline)
  expect(session.me).toEqual(me)
})
