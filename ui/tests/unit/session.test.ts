// Who is signed in: signing out is done when the server says so, and a session that ended is waited for.
import { beforeEach, expect, test, vi } from 'vitest'
import { Offline, Problem, get, onSignedOut, send } from '../../src/api/client'
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

test('what is asked for when the session has ended is asked for again when somebody is signed in; what was to be done is not', async () => {
  onSignedOut(() => session.ended())
  const done: string[] = []
  let isIn = false
  vi.stubGlobal('fetch', async (target: string, { method }: RequestInit) => {
    if (target === '/api/v1/session') isIn = true
    if (isIn) done.push(`${method} ${target}`)
    return isIn ? Response.json(me) : Response.json({ code: 'unauthenticated' }, { status: 401 })
  })
  const stop = new AbortController()
  const [asked, left] = [get('/servers'), get('/groups', {}, stop.signal)]
  await expect(send('PUT', '/groups/web', {})).rejects.toThrow(Problem)
  expect([session.me, session.isOver]).toEqual([me, true])
  stop.abort()
  await expect(left).rejects.toThrow(/abort/)
  await session.signIn('ada', 'four words are enough')
  expect(await asked).toEqual(me)
  expect([session.isOver, done]).toEqual([false, ['POST /api/v1/session', 'GET /api/v1/servers']])
})

test('where nobody was signed in nothing is waited for', () => {
  session.me = null
  expect(session.ended()).toBeNull()
  expect(session.isOver).toBe(false)
})
