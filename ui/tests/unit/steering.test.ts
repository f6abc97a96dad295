// What the page offers for a release where it stands.
import { expect, test } from 'vitest'
import type { Fact, NodeFact, Release, Snapshot } from '../../src/api/types'
import { ReleaseModel } from '../../src/release/model.svelte'
import { canSkip, didFail, goesBack, held, isLeaving, retryable } from '../../src/release/steering'

const AT = '2026-11-20T10:45:12Z'
const NAMES = ['web-1', 'web-2', 'web-3']

function snapshot(wishes: Partial<Release> = {}): Snapshot {
  const node = (key: string, step: string, server?: string, batch?: number) => ({ key, text: key, step, server, batch, status: 'pending', attempt: 0 })
  return {
    release: { id: 7, kind: 'release', status: 'running', stopping: false, pausing: false, servers: NAMES.map((name) => ({ name, state: 'pending' })), ...wishes },
    nodes: [
      node('start', 'start'), ...NAMES.map((name, index) => node(`${name}/activate`, 'activate', name, index < 1 ? 1 : 2)),
      node('staged', 'staged'), node('batch-1', 'batch'), node('batch-2', 'batch'), node('after_release', 'hook'),
    ],
    stream: 's', seq: 3, watching: [],
  } as unknown as Snapshot
}

const node = (key: string, data: Partial<NodeFact>): Fact => ({ seq: 4, at: AT, kind: 'node', data: { key, status: 'running', attempt: 1, ...data } as NodeFact })
const release = (status: string, reason?: string): Fact => ({ seq: 4, at: AT, kind: 'release', data: { status, reason } } as Fact)
const names = (model: ReleaseModel) => retryable(model).map((row) => row.name)

test('batches and the way back of a whole release stand in the trunk, and rows know their batch', () => {
  const model = new ReleaseModel(snapshot())
  expect(model.after.map((one) => one.key)).toEqual(['staged', 'batch-1', 'batch-2', 'after_release'])
  expect(model.rows.map((row) => row.batch)).toEqual([1, 2, 2])
  expect(goesBack(model)).toBe(false)
  model.apply([node('undo', { added: { key: 'undo', parent: 'staged', text: 'undo', step: 'undo' } })])
  expect(model.after.at(-1)).toMatchObject({ key: 'undo', status: 'running' })
  expect(goesBack(model)).toBe(true)
})

test('a batch is held when a person has to promote it, and not when it waits for its time or somebody paused it', () => {
  const model = new ReleaseModel(snapshot())
  model.apply([node('batch-2', { status: 'paused', attempt: 0, reason: 'begins 2m after batch 1' })])
  expect(held(model)).toBeNull()
  model.apply([release('paused', 'paused by li')])
  expect(held(model)).toBeNull()
  model.apply([release('running'), node('batch-2', { status: 'paused', attempt: 0, reason: 'batch 1 is healthy; promote it' })])
  expect(held(model)).toBeNull()
  model.apply([release('paused', 'batch 1 is healthy; promote it')])
  expect(held(model)).toBe(2)
  // Somebody promotes it.
  model.apply([release('running'), node('batch-2', { status: 'running' })])
  expect(held(model)).toBeNull()
})

test('servers that failed or were left out can be tried again while the release waits', () => {
  const model = new ReleaseModel(snapshot())
  model.apply([
    node('web-1/activate', { status: 'failed', server: { name: 'web-1', state: 'undone' } }),
    node('web-2/activate', { status: 'cancelled', server: { name: 'web-2', state: 'behind' } }),
    node('web-3/activate', { status: 'ok', server: { name: 'web-3', state: 'live' } }),
  ])
  expect(model.rows.map(didFail)).toEqual([true, true, false])
  expect(names(model)).toEqual([])
  for (const status of ['paused', 'interrupted']) {
    model.apply([release(status)])
    expect(names(model)).toEqual(['web-1', 'web-2'])
  }
  model.apply([release('partial')])
  expect(names(model)).toEqual([])
})

test('nobody is tried again or left out once the whole release goes back', () => {
  const model = new ReleaseModel(snapshot())
  const [first, second] = model.rows
  if (!first || !second) throw new Error('there are three')
  expect(canSkip(model, first)).toBe(true)
  model.apply([node('web-1/activate', { status: 'skipped', server: { name: 'web-1', state: 'behind' } }), release('paused')])
  expect([canSkip(model, first), canSkip(model, second)]).toEqual([false, true])
  model.apply([node('undo', { added: { key: 'undo', text: 'undo', step: 'undo' } }), release('interrupted')])
  expect(canSkip(model, second)).toBe(false)
  expect(names(model)).toEqual([])
})

test('a server that is to be left out is so when its state says it, and can come back', () => {
  const model = new ReleaseModel(snapshot())
  const row = model.rows[0]
  if (!row) throw new Error('there are three')
  model.leave('web-1', true)
  expect([canSkip(model, row), isLeaving(model, row)]).toEqual([false, true])
  model.apply([node('web-1/activate', { status: 'skipped', server: { name: 'web-1', state: 'behind' } }), release('paused')])
  expect([isLeaving(model, row), didFail(row)]).toEqual([false, true])
  model.leave('web-1', false)
  model.apply([release('running'), node('web-1/activate', { status: 'pending', server: { name: 'web-1', state: 'pending' } })])
  expect([canSkip(model, row), isLeaving(model, row)]).toEqual([true, false])
})

test('a wish to wait or to stop holds until it is done, and a late answer does not bring it back', () => {
  const answer = (wishes: Partial<Release>): Release => snapshot(wishes).release as Release
  const model = new ReleaseModel(snapshot({ pausing: true }))
  expect(model).toMatchObject({ pausing: true, stopping: false })
  model.apply([release('paused')])
  model.take(answer({ pausing: true }))
  expect(model.pausing).toBe(false)
  model.apply([release('running')])
  expect(model.pausing).toBe(false)
  model.take(answer({ pausing: true }))
  expect(model.pausing).toBe(true)
  // Who wants it to stop does not want it to wait any more.
  model.take(answer({ stopping: true, pausing: true }))
  expect(model).toMatchObject({ pausing: false, stopping: true })
  model.apply([release('rolled_back')])
  expect(model).toMatchObject({ pausing: false, stopping: false })
})
