// The bytes of uploads: the latest counts, facts win over it, and nothing that comes is trusted.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fact, NodeFact, Progress, Release, Snapshot } from '../../src/api/types'
import { ReleaseModel } from '../../src/release/model.svelte'
import { Asking, EVERY } from '../../src/release/progress'

const AT = '2026-11-20T10:45:12Z'
const KEYS = ['web-1/upload', 'web-2/upload']

function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  const nodes = KEYS.map((key) => ({ key, text: 'upload', step: 'upload', server: key.split('/')[0], status: 'running', attempt: 1, started_at: AT }))
  const release = { id: 7, status: 'running', servers: ['web-1', 'web-2'].map((name) => ({ name, state: 'pending' })) } as unknown as Release
  return { release, nodes, stream: 's', seq: 3, watching: [], ...more } as Snapshot
}

const both: Progress = {
  sent: 30, total: 200, rate: 10, remaining: 17,
  nodes: { 'web-1/upload': { sent: 10, total: 100, rate: 4, remaining: 23 }, 'web-2/upload': { sent: 20, total: 100, rate: 6, remaining: 14 } },
}
const node = (key: string, status: string, attempt = 1): Fact => ({ seq: 4, at: AT, kind: 'node', data: { key, status, attempt } as NodeFact })
const release = (status: string): Fact => ({ seq: 4, at: AT, kind: 'release', data: { status } } as Fact)
const sent = (model: ReleaseModel) => KEYS.map((key) => { const one = model.nodes.get(key); return one && model.bytes(one)?.sent })

describe('facts and progress', () => {
  test('a snapshot may have it, the next ones replace it, and the last one ends it', () => {
    const model = new ReleaseModel(snapshot({ progress: both }))
    expect(model.uploads).toMatchObject({ sent: 30, total: 200, rate: 10, remaining: 17 })
    expect(sent(model)).toEqual([10, 20])
    model.progress({ sent: 50, total: 200, nodes: { 'web-2/upload': { sent: 40, total: 100 } } })
    expect(model.uploads).toMatchObject({ sent: 50, rate: undefined, remaining: undefined })
    expect(sent(model)).toEqual([undefined, 40])
    model.progress({ sent: 200, total: 200, nodes: {} })
    expect(model.uploads).toBeNull()
    model.progress(both)
    model.read(snapshot())
    expect(model.uploads).toBeNull()
  })

  test('a step that is settled has none, whatever comes late', () => {
    const model = new ReleaseModel(snapshot({ progress: both }))
    model.apply([node('web-1/upload', 'ok')])
    expect(sent(model)).toEqual([undefined, 20])
    model.progress(both)
    expect([...(model.uploads?.nodes.keys() ?? [])]).toEqual(['web-2/upload'])
    model.apply([node('web-2/upload', 'failed')])
    expect(model.uploads).toBeNull()
    model.progress(both)
    expect(model.uploads).toBeNull()
  })

  test('a new try begins at nothing', () => {
    const model = new ReleaseModel(snapshot({ progress: both }))
    model.apply([node('web-1/upload', 'running', 2)])
    expect(sent(model)).toEqual([undefined, 20])
    model.progress(both)
    expect(sent(model)).toEqual([10, 20])
  })

  test.each(['failed', 'cancelled', 'interrupted'])('nothing is under way in a release that is %s', (status) => {
    const model = new ReleaseModel(snapshot({ progress: both }))
    expect(model.isUploading).toBe(true)
    model.apply([release(status)])
    expect(model).toMatchObject({ uploads: null, isUploading: false })
    model.progress(both)
    expect(model.uploads).toBeNull()
  })

  test('whether something is uploaded is what the facts say', () => {
    const model = new ReleaseModel(snapshot())
    expect(model).toMatchObject({ uploads: null, isUploading: true })
    model.apply([node('web-1/upload', 'ok')])
    expect(model.isUploading).toBe(true)
    model.apply([node('web-2/upload', 'ok')])
    expect(model.isUploading).toBe(false)
  })
})

describe('figures that make no sense', () => {
  const other = { 'web-2/upload': { sent: 20, total: 100 } }

  test.each<[string, unknown]>([
    ['negative', { sent: -1, total: 100 }], ['no number', { sent: 'NaN', total: 100 }], ['NaN', { sent: NaN, total: 100 }], ['endless', { sent: 1, total: Infinity }],
    ['too large', { sent: 1, total: 1e300 }], ['missing', { sent: 1 }], ['of nothing', { sent: 0, total: 0 }], ['null', null], ['a text', 'x'],
  ])('an upload that is %s is left out, and the others stay', (_, wrong) => {
    const model = new ReleaseModel(snapshot())
    model.progress({ sent: 30, total: 200, nodes: { 'web-1/upload': wrong, 'nowhere/upload': { sent: 1, total: 2 }, ...other } })
    expect([...(model.uploads?.nodes ?? [])]).toEqual([['web-2/upload', { sent: 20, total: 100 }]])
  })

  test.each<[string, unknown]>([
    ['null', null], ['a text', 'x'], ['a list', []], ['empty', {}], ['without a total', { sent: 1, nodes: other }], ['without uploads', { sent: 1, total: 2 }],
    ['with a text of uploads', { sent: 1, total: 2, nodes: 'web' }], ['with null uploads', { sent: 1, total: 2, nodes: null }], ['negative', { sent: -1, total: 2, nodes: other }],
  ])('progress that is %s is none', (_, wrong) => {
    const model = new ReleaseModel(snapshot({ progress: both }))
    model.progress(wrong)
    expect(model.uploads).toBeNull()
  })

  test('no more is sent than there is, and a rate or a time that cannot be is not known', () => {
    const model = new ReleaseModel(snapshot())
    model.progress({ sent: 900, total: 200.9, rate: -5, remaining: 1e9, nodes: { 'web-1/upload': { sent: 900, total: 100, rate: null, remaining: 'soon' } } })
    expect(model.uploads).toMatchObject({ sent: 200, total: 200, rate: undefined, remaining: undefined })
    expect(model.uploads?.nodes.get('web-1/upload')).toEqual({ sent: 100, total: 100, rate: undefined, remaining: undefined })
  })
})

describe('asking where no WebSocket tells', () => {
  beforeEach(() => { vi.useFakeTimers() })
  afterEach(() => { vi.useRealTimers() })

  test('it asks at once and then every two seconds, whatever goes wrong, until it ends', async () => {
    const ask = vi.fn(async () => { throw new Error('lost') })
    const end = new Asking().begin(ask)
    await vi.advanceTimersByTimeAsync(0)
    expect(ask).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(EVERY * 2 + 10)
    expect(ask).toHaveBeenCalledTimes(3)
    end()
    await vi.advanceTimersByTimeAsync(EVERY * 5)
    expect(ask).toHaveBeenCalledTimes(3)
  })

  test('it asks as seldom as it was told', async () => {
    const ask = vi.fn(async () => {})
    const end = new Asking(15_000).begin(ask)
    await vi.advanceTimersByTimeAsync(29_000)
    expect(ask).toHaveBeenCalledTimes(2)
    end()
  })

  test('it does not ask while an answer is awaited, and ends that too', async () => {
    const signals: AbortSignal[] = []
    const end = new Asking().begin((signal) => { signals.push(signal); return new Promise(() => {}) })
    await vi.advanceTimersByTimeAsync(EVERY * 5)
    expect(signals).toHaveLength(1)
    end()
    expect(signals[0]?.aborted).toBe(true)
  })

  test('beginning again soon does not make it ask sooner', async () => {
    const asking = new Asking()
    const ask = vi.fn(async () => {})
    for (let n = 0; n < 5; n++) {
      const end = asking.begin(ask)
      await vi.advanceTimersByTimeAsync(100)
      end()
    }
    expect(ask).toHaveBeenCalledTimes(1)
    asking.begin(ask)()
    asking.begin(ask)
    await vi.advanceTimersByTimeAsync(EVERY - 500)
    expect(ask).toHaveBeenCalledTimes(2)
  })
})
