// What the page costs at sizes where others freeze: the real built page, fed by a server that is played in the test's
// process, so that only the page is measured. `make bench` prints the lines; what depends on the machine is printed,
// not asserted.
import { readFileSync, readdirSync } from 'node:fs'
import { type Page, expect, test } from '@playwright/test'
import { type Played, serve } from './server'

const DIST = 'dist'
const AT = '2026-11-20T10:45:12Z'
const STEPS = ['upload', 'after_upload', 'activate', 'after_activate', 'verify', 'prune']

function line(name: string, measured: string, goal: string): void {
  console.log(`  page: ${name.padEnd(52)} ${measured.padStart(12)}   goal ${goal}`)
}

/** A running release of `count` servers. */
function snapshot(count: number): unknown {
  const servers = Array.from({ length: count }, (_, n) => `web-${n + 1}`)
  const node = (key: string, step: string, more: object = {}) => ({ key, text: key.split('/').at(-1), step, status: 'pending', attempt: 0, ...more })
  return {
    release: { id: 1, name: '20261120T104512Z-1', project: 'shop', environment: 'production', kind: 'release', ref: 'v1', commit: 'c'.repeat(40), status: 'running', stopping: false, note: '', by: 'li', created_at: AT, started_at: AT, servers: servers.map((name) => ({ name, state: 'pending' })) },
    nodes: [
      ...['start', 'fetch', 'build', 'pack'].map((key) => node(key, key, { status: 'ok', attempt: 1, started_at: AT, ended_at: AT })),
      ...servers.flatMap((server, n) => STEPS.map((step) => node(`${server}/${step}`, step.startsWith('after') ? 'hook' : step, { server, batch: Math.floor(n / 200) + 1 }))),
      node('staged', 'staged'), ...[1, 2, 3, 4, 5].map((n) => node(`batch-${n}`, 'batch', { batch: n })),
    ],
    stream: 's', seq: 1, watching: ['li'],
  }
}

/** A server with one release of `count` servers. */
function play(count: number): Promise<Played> {
  return serve({ '/session': { user: 'li', administrator: true }, '/releases/1': snapshot(count), '/releases/1/log': '' })
}

/** Milliseconds that the page's main thread has worked so far, by its own clock: whatever else the machine does. */
async function work(page: Page): Promise<() => Promise<number>> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return (metrics.find((one) => one.name === 'TaskDuration')?.value ?? 0) * 1000
  }
}

/** Notes the longest time between two frames from now on. */
async function frames(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const note = ((window as any).frames_ = { worst: 0, last: performance.now() })
    const next = (now: number): void => {
      note.worst = Math.max(note.worst, now - note.last)
      note.last = now
      requestAnimationFrame(next)
    }
    requestAnimationFrame(next)
  })
  return () => page.evaluate(() => (window as any).frames_.worst)
}

test('first load', () => {
  const html = readFileSync(`${DIST}/index.html`, 'utf8')
  const first = [...html.matchAll(/assets\/([^"]+\.js)/g)].map((found) => found[1])
  const size = (name: string) => readFileSync(`${DIST}/assets/${name}.gz`).length
  const js = first.reduce((sum, name) => sum + size(name ?? ''), 0)
  const css = readdirSync(`${DIST}/assets`).filter((name) => /^index.*\.css\.gz$/.test(name)).reduce((sum, name) => sum + size(name.slice(0, -3)), 0)
  line('JavaScript of the first load, gzip', `${(js / 1000).toFixed(1)} kB`, '<= 60 kB')
  line('style sheet of the first load, gzip', `${(css / 1000).toFixed(1)} kB`, '<= 12 kB')
  expect(js).toBeLessThanOrEqual(60_000)
  expect(css).toBeLessThanOrEqual(12_000)
})

for (const view of ['map', 'matrix']) {
  test(`1,000 servers as a ${view}`, async ({ page }) => {
    const played = await play(1_000)
    // What the page itself costs is measured on a screen with nothing, and taken away.
    await page.goto(`${played.url}/nowhere`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    const spent = await work(page)
    const before = await spent()
    await page.evaluate((to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')) }, `/r/1?view=${view}`)
    await page.getByText('0 of 1000 servers').waitFor()
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    line(`1,000 servers x 6 steps, ${view}: CPU to draw`, `${(await spent() - before).toFixed(0)} ms`, '<= 100 ms')
    const elements = await page.evaluate(() => document.querySelectorAll('*').length)
    line(`1,000 servers x 6 steps, ${view}: elements`, String(elements), '< 1500')
    expect(elements).toBeLessThan(1_500)

    let seq = 1
    const update = async (status: string): Promise<void> => {
      for (let batch = 0; batch < 20; batch++) {
        const events = Array.from({ length: 100 }, (_, n) => {
          const server = `web-${((batch * 100 + n) % 1_000) + 1}`
          const step = batch < 10 ? 'upload' : 'after_upload'
          return { seq: ++seq, at: AT, kind: 'node', data: { key: `${server}/${step}`, status, attempt: 1 } }
        })
        played.tell({ topic: 'release:1', stream: 's', events, seq })
        await page.waitForTimeout(50)
      }
    }
    const started = await spent()
    await update('running')
    line(`2,000 updates in a second, ${view}: CPU`, `${(await spent() - started).toFixed(0)} ms`, '<= 100 ms')
    const sending = await spent()
    for (let tick = 1; tick <= 8; tick++) {
      const bytes = (total: number): object => ({ sent: (total / 10) * tick, total, rate: total / 20, remaining: 20 - 2 * tick })
      const nodes = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`web-${n + 1}/upload`, bytes(45e6)]))
      played.tell({ progress: { topic: 'release:1', ...bytes(45e9), nodes } })
      await page.waitForTimeout(250)
    }
    await page.getByText('Uploading: 36.0 GB of 45.0 GB').waitFor()
    line(`1,000 uploads told 8 times in 2 s, ${view}: CPU`, `${(await spent() - sending).toFixed(0)} ms`, '<= 200 ms')
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(1_500)
    // Looking at the frames makes frames, so it is done the second time.
    const worst = await frames(page)
    await update('ok')
    line(`2,000 updates in a second, ${view}: longest frame`, `${(await worst()).toFixed(0)} ms`, '<= 100 ms')
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(1_500)
    await played.close()
  })
}

test('50,000 lines of a log in a second', async ({ page }) => {
  const played = await play(3)
  await page.goto(`${played.url}/r/1?node=build`)
  await page.getByText('It wrote nothing.').waitFor()
  const worst = await frames(page)
  let [seq, offset, number] = [1, 0, 0]
  for (let batch = 0; batch < 25; batch++) {
    const text = Array.from({ length: 2_000 }, () => `\x1b[32m${String(++number).padStart(6)}\x1b[0m compiled src/module-${number % 97}/file.ts in 12 ms\n`).join('')
    const size = Buffer.byteLength(text)
    const events = [{ seq: ++seq, at: AT, kind: 'log', data: { node: 'build', offset, bytes: size, text } }]
    offset += size
    played.tell({ topic: 'release:1', stream: 's', events, seq })
    await page.waitForTimeout(40)
  }
  await page.waitForFunction(() => document.querySelector('.log .bar')?.textContent?.includes('50,000'))
  line('50,000 log lines in a second: longest frame', `${(await worst()).toFixed(0)} ms`, '<= 100 ms')
  const lines = await page.evaluate(() => document.querySelectorAll('.line').length)
  line('50,000 log lines: kept in the page', String(lines), '<= 20000')
  expect(lines).toBeLessThanOrEqual(20_000)
  expect(await page.evaluate(() => [...document.querySelectorAll('.line')].at(-1)?.textContent)).toContain('50000')
  await played.close()
})
