// Whose variables and secrets they are: where they are found, and how they are changed.
import { expect, test } from 'vitest'
import { forgetting, home, isOwn, kind, place, sayer, saying } from '../../src/screens/scope'

const PROJECT = { project: 'a shop' }
const ENVIRONMENT = { project: 'a shop', environment: 'x/y' }
const SERVER = { server: 'web 1' }

test('each scope has its place in the API and its screen', () => {
  expect([PROJECT, ENVIRONMENT, SERVER].map((scope) => [kind(scope), place(scope), home(scope)])).toEqual([
    ['project', '/projects/a%20shop', '/p/a%20shop'],
    ['environment', '/projects/a%20shop/environments/x%2Fy', '/p/a%20shop/e/x%2Fy'],
    ['server', '/servers/web%201', '/servers/web%201'],
  ])
})

test('what an environment hears leads to whoever says it, and only what it says itself is changed there', () => {
  const all = [{ from: 'project' }, { from: 'environment' }, { from: 'server', server: 'web 1' }] as const
  expect(all.map((one) => [isOwn(one, ENVIRONMENT), sayer(one, ENVIRONMENT)])).toEqual([[false, PROJECT], [true, ENVIRONMENT], [false, SERVER]])
  expect([isOwn(all[0], PROJECT), isOwn(all[2], SERVER)]).toEqual([true, true])
})

test('a variable is a patch of whoever says it, a secret has a path of its own', () => {
  expect(saying(PROJECT, { name: 'A', value: '1\n2', isSecret: false })).toEqual({ method: 'PATCH', path: '/projects/a%20shop', body: { variables: { A: '1\n2' } } })
  expect(saying(ENVIRONMENT, { name: 'A/B', value: 'x', isSecret: true })).toEqual({ method: 'PUT', path: '/projects/a%20shop/environments/x%2Fy/secrets/A%2FB', body: { value: 'x' } })
  expect(forgetting(SERVER, { name: 'A', secret: false })).toEqual({ method: 'PATCH', path: '/servers/web%201', body: { variables: { A: null } } })
  expect(forgetting(SERVER, { name: 'A', secret: true })).toEqual({ method: 'DELETE', path: '/servers/web%201/secrets/A' })
})
