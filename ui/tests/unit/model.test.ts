// The release as the page keeps it: the same facts, the same tree as on the server.
import { expect, test } from 'vitest'
import type { Fact, NodeFact, Snapshot } from '../../src/api/types'
import { ReleaseModel, tabStop, worstFirst } from '../../src/release/model.svelte'

const AT = '2026-11-20T10:45:12Z'

function snapshot(servers: string[]): Snapshot {
  const node = (key: string, step: string, server?: string, parent?: string) => ({ key, text: key.split('/').at(-1) ?? key, step, server, parent, status: 'pending', attempt: 0, ...(server ? { batch: 1 } : {}) })
  return {
    release: { id: 7, name: 'n', project: 'shop', environment: 'live', kind: 'release', ref: 'v1', commit: 'c'.repeat(40), status: 'running', stopping: false, note: '', by: 'li', created_at: AT, servers: servers.map((name) => ({ name, state: 'pending' })) },
    nodes: [
      node('start', 'start'), node('fetch', 'fetch'),
      ...servers.flatMap((name) => [node(`${name}/upload`, 'upload', name), node(`${name}/after_upload`, 'hook', name), node(`${name}/after_upload/migrate`, 'hook', name, `${name}/after_upload`), node(`${name}/activate`, 'activate', name)]),
      node('staged', 'staged'), node('batch-1', 'batch'),
    ],
    stream: 's', seq: 3, watching: [],
  } as unknown as Snapshot
}

let seq = 3
const fact = (data: Partial<NodeFact> & { key: string }): Fact => ({ seq: ++seq, at: AT, kind: 'node', data: { status: 'running', attempt: 1, ...data } as NodeFact })

test('steps stand where they belong, and a step with steps inside is drawn by these', () => {
  const model = new ReleaseModel(snapshot(['web-1', 'web-2']))
  expect(model.before.map((node) => node.key)).toEqual(['start', 'fetch'])
  expect(model.after.map((node) => node.key)).toEqual(['staged', 'batch-1'])
  expect(model.rows[0]?.nodes.map((node) => node.key)).toEqual(['web-1/upload', 'web-1/after_upload/migrate', 'web-1/activate'])
})

test('facts recolour a node, its row and the counters', () => {
  const model = new ReleaseModel(snapshot(['web-1', 'web-2']))
  model.apply([fact({ key: 'web-1/upload' })])
  expect(model.counts).toEqual({ running: 1, pending: 1 })
  model.apply([fact({ key: 'web-1/upload', status: 'ok', server: { name: 'web-1', before: 'releases/a', state: 'staged' } })])
  expect(model.rows[0]).toMatchObject({ worst: 'staged', state: 'staged', before: 'releases/a' })
  for (const key of ['web-1/after_upload/migrate', 'web-1/activate']) model.apply([fact({ key, status: 'ok' })])
  expect(model.counts).toEqual({ ok: 1, pending: 1 })
  model.apply([fact({ key: 'web-2/after_upload/migrate', status: 'failed', reason: 'exited with 1' }), fact({ key: 'web-2/after_upload', status: 'failed' })])
  expect(model.failures.map((node) => node.key)).toEqual(['web-2/after_upload/migrate'])
  expect(worstFirst(model.rows).map((row) => row.name)).toEqual(['web-2', 'web-1'])
})

test('a step that was not in the plan appears, and the end is noted', () => {
  const model = new ReleaseModel(snapshot(['web-1']))
  const added = { key: 'web-1/undo', text: 'undo', step: 'undo', server: 'web-1', parent: 'web-1/activate' }
  model.apply([fact({ key: 'web-1/undo', added })])
  expect(model.rows[0]?.nodes.at(-1)).toMatchObject({ key: 'web-1/undo', status: 'running', startedAt: AT })
  model.apply([{ seq: ++seq, at: AT, kind: 'release', data: { status: 'rolled_back', reason: 'sick' } }])
  expect(model).toMatchObject({ status: 'rolled_back', reason: 'sick', ended: true, endedAt: AT, seq })
})

test('a new try begins its time anew', () => {
  const model = new ReleaseModel(snapshot(['web-1']))
  model.apply([fact({ key: 'fetch' }), { ...fact({ key: 'fetch', attempt: 2 }), at: '2026-11-20T10:46:00Z' } as Fact])
  expect(model.nodes.get('fetch')).toMatchObject({ attempt: 2, startedAt: '2026-11-20T10:46:00Z', endedAt: null })
})

test('the tab key always stops at a step that is drawn', () => {
  const drawn = [{ key: 'start' }, { key: 'web-2/activate' }]
  expect(tabStop(drawn, 'web-2/activate', 'start')).toBe('web-2/activate')
  // The one that had the focus is filtered or scrolled away.
  expect(tabStop(drawn, 'web-1/activate', 'web-2/activate')).toBe('web-2/activate')
  expect(tabStop(drawn, '', null)).toBe('start')
  expect(tabStop([], 'start')).toBeUndefined()
})

test('a place in the queue is taken in as long as it waits there', () => {
  const waiting = snapshot(['web-1'])
  const model = new ReleaseModel({ ...waiting, release: { ...waiting.release, status: 'queued', position: 3 } })
  model.place({ ...waiting.release, position: 1 })
  expect(model.release.position).toBe(1)
  model.apply([{ seq: ++seq, at: AT, kind: 'release', data: { status: 'running' } }])
  model.place({ ...waiting.release, position: 2 })
  expect(model.release.position).toBe(1)
})
