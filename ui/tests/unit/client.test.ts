// What the push client does with a WebSocket that is played.
import { afterEach, expect, test, vi } from 'vitest'

class Socket {
  static readonly OPEN = 1
  static last: Socket
  readyState = Socket.OPEN
  onmessage: (message: { data: string }) => void = () => {}
  onclose: (event: { code: number }) => void = () => {}
  constructor() { Socket.last = this }
  send(): void {}
  close(): void {}
  say(message: unknown): void { this.onmessage({ data: JSON.stringify(message) }) }
}

afterEach(() => {
  vi.useRealTimers()
  vi.resetModules()
})

test('who watches and how far the uploads are go to those who follow that topic, and to nobody else', async () => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', Socket)
  vi.stubGlobal('location', { protocol: 'http:', host: 'page' })
  vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => {}, removeItem: () => {} })
  vi.stubGlobal('document', { hidden: false, addEventListener: () => {} })
  vi.stubGlobal('addEventListener', () => {})
  const { push } = await import('../../src/push/client.svelte')
  const heard: unknown[] = []
  const reset = async () => null
  push.start(() => {})
  const { end } = push.subscribe('release:7', 3, 's', 'none', { facts: () => {}, reset, presence: (users) => heard.push(users), progress: (progress) => heard.push(progress) })
  push.subscribe('board', 0, 's', 'none', { facts: () => {}, reset })
  Socket.last.say({ hello: { version: '1', stream: 's' } })
  expect(push.mode).toBe('live_ws')
  const progress = { topic: 'release:7', sent: 1, total: 2, nodes: {} }
  Socket.last.say({ progress })
  Socket.last.say({ presence: { topic: 'release:7', users: ['li'] } })
  expect(heard).toEqual([progress, ['li']])
  for (const topic of ['release:8', 'board', undefined]) Socket.last.say({ progress: { ...progress, topic } })
  for (const odd of [null, 0, 'x', []]) Socket.last.say({ progress: odd })
  end()
  Socket.last.say({ progress })
  expect(heard).toHaveLength(2)
})

test('a tab that begins behind others holds no request, and hears at once from where on it is told', async () => {
  vi.useFakeTimers()
  vi.stubGlobal('sessionStorage', { getItem: () => String(Date.now() + 60_000), setItem: () => {}, removeItem: () => {} })
  vi.stubGlobal('document', { hidden: true, addEventListener: () => {} })
  const held: (string | null)[] = []
  let stream = 's'
  vi.stubGlobal('fetch', async (target: string) => {
    held.push(new URL(target, 'http://page').searchParams.get('wait'))
    return Response.json({ topic: 'board', stream, seq: 5, events: [] })
  })
  const { push } = await import('../../src/push/client.svelte')
  push.start(() => {})
  expect(push.mode).toBe('long_poll')
  await vi.advanceTimersByTimeAsync(100)
  let began = 0
  push.follow('board', () => {}, () => { began += 1 })
  await vi.advanceTimersByTimeAsync(100)
  expect([held, began]).toEqual([['0'], 1])
  await vi.advanceTimersByTimeAsync(60_000)
  expect([held, began]).toEqual([['0', '0'], 1])
  // The numbering is another one: what is shown is read once more.
  stream = 't'
  await vi.advanceTimersByTimeAsync(60_000)
  expect([held, began]).toEqual([['0', '0', '0', '0'], 2])
  push.stop()
})
