// Files on their way: how far each server is, and how it ended there.
import { expect, test, vi } from 'vitest'

vi.stubGlobal('document', { documentElement: { lang: 'en', dataset: {} }, cookie: '' })
const { Transfer } = await import('../../src/fleet/transfer.svelte')

test('each server is told for itself, all of them together, and what was stopped as such', () => {
  const transfer = new Transfer(['web-10', 'web-2'])
  const seen = () => transfer.parts.map((one) => [one.name, one.state, one.bytes])
  expect(seen()).toEqual([['web-2', 'pending', 0], ['web-10', 'pending', 0]])
  transfer.take({ server: 'web-2', started: true })
  transfer.take({ server: 'web-2', bytes: 5, total: 10 })
  transfer.take({ bytes: 5, total: 20 })
  expect([transfer.bytes, transfer.total]).toEqual([5, 20])
  transfer.take({ server: 'web-2', ok: true, bytes: 10, files: 2, resumed: 0 })
  transfer.take({ server: 'db-1', ok: false, error: { message: 'db-1 does not answer', hint: 'is it running?' } })
  expect(seen()).toEqual([['db-1', 'failed', 0], ['web-2', 'ok', 10], ['web-10', 'pending', 0]])
  // How far it was may be told late.
  transfer.take({ server: 'web-2', bytes: 9, total: 10 })
  expect(seen()[1]).toEqual(['web-2', 'ok', 10])
  expect(transfer.parts[0]?.trouble).toEqual({ message: 'db-1 does not answer', hint: 'is it running?' })
  expect(transfer.parts[1]?.files).toBe(2)
  transfer.stop()
  expect(seen()[2]).toEqual(['web-10', 'cancelled', 0])
  transfer.take({ done: { ok: 1, failed: 1 }, download: 'abc' })
  expect([transfer.done, transfer.download]).toEqual([{ ok: 1, failed: 1 }, 'abc'])
})
