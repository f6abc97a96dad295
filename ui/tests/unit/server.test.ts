// The form of a server: what it shows, and what it sends.
import { expect, test } from 'vitest'
import { difference } from '../../src/screens/difference'
import { spec, written } from '../../src/screens/server'

const web = { name: 'web-1', host: '10.0.0.1', port: 2222, user: 'deploy', host_key: ['ssh-ed25519 AAAA', 'ssh-rsa BBBB'], labels: { role: ['db', 'web'], env: ['test'] }, legacy_algorithms: true }

test('the form says what is stored as far as it shows it, and what is empty is not sent', () => {
  const { name: _, legacy_algorithms: __, ...rest } = web
  expect(spec(written(web), web)).toEqual(rest)
  expect(spec(written({ name: 'a', host: 'b' }), {})).toEqual({ host: 'b', labels: {} })
})

test('only what was changed is sent, label by label, and what was emptied is nothing', () => {
  const changed = (more: object) => difference(spec(written(web), web), spec({ ...written(web), ...more }, web))
  expect(changed({})).toBeNull()
  expect(changed({ labels: ' role=db\n\nrole = web\nenv=test' })).toBeNull()
  expect(changed({ port: '', labels: 'role=db' })).toEqual({ port: null, labels: { role: ['db'], env: null } })
  expect(changed({ labels: 'role=db\nrole=web\nenv=test\nconstructor=x' })?.labels).toHaveProperty('constructor', ['x'])
  expect(changed({ labels: '' })).toEqual({ labels: { role: null, env: null } })
  expect(changed({ host_key: '' })).toEqual({ host_key: [] })
})

test('keys that are taken out of the form are pinned no more', () => {
  expect(spec({ ...written(web), host_key: 'ssh-rsa BBBB' }, web).host_key).toEqual(['ssh-rsa BBBB'])
  expect(spec({ ...written(web), host_key: ' \n' }, web).host_key).toEqual([])
  // The machine of Aweigh has none, and where none was there is nothing to take away.
  expect(spec({ ...written(web), host: 'local', host_key: '' }, web)).not.toHaveProperty('host_key')
  expect(spec({ ...written(web), host_key: '' }, { ...web, host_key: [] })).not.toHaveProperty('host_key')
})

test('a port that is none is sent as it was typed, to be refused by its name', () => {
  expect(spec({ ...written(web), port: '22a' }, web).port).toBe('22a')
  expect(spec({ ...written(web), port: ' 22 ' }, web).port).toBe(22)
  expect(spec({ ...written(web), port: '' }, web)).not.toHaveProperty('port')
})
