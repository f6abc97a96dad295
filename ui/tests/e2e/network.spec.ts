// Networks as they are: no WebSocket, no held requests, a server that dies, a tab that sleeps, a session that ends.
import type { Browser, Page } from '@playwright/test'
import { Proxy } from './proxy'
import { PASSWORD, expect, release, signIn, step, test, verdict } from './rig'

const mode = (page: Page) => page.locator('.pill')

/** Every status word in the tree; compared with what the API says at the end. */
async function agrees(page: Page, url: string, id: number): Promise<void> {
  const answer = await page.request.get(`${url}/api/v1/releases/${id}`)
  const { nodes } = (await answer.json()) as { nodes: { key: string; status: string; server?: string }[] }
  for (const node of nodes.filter((one) => one.server && !nodes.some((other) => other.key.startsWith(`${one.key}/`)))) {
    await expect(page.locator(`[data-key="${node.key}"]`)).toHaveClass(new RegExp(`\\b${node.status}\\b`))
  }
}

/** Ends every session but one of its own. */
async function endOthers(browser: Browser, url: string): Promise<void> {
  const other = await browser.newContext()
  const second = await other.newPage()
  await signIn(second, url)
  const sessions = await (await second.request.get(`${url}/api/v1/sessions`)).json()
  for (const one of sessions.items.filter((session: { current: boolean }) => !session.current)) {
    await second.request.delete(`${url}/api/v1/sessions/${one.id}`, { headers: { Origin: url } })
  }
  await other.close()
}

test('without WebSocket the page is told by held polls, and goes back when it can', async ({ page, rig }) => {
  const proxy = await Proxy.start(rig.port, { upgrade: false, hold: 60_000 })
  await signIn(page, proxy.url)
  await expect(mode(page)).toHaveAttribute('data-mode', 'long_poll')
  const env = await rig.environment(page)
  const id = await release(page, proxy.url, env.name, 'v1')
  await expect(step(page, 'web-1 after_upload: running')).toBeVisible()
  env.open()
  await expect(verdict(page)).toHaveText('succeeded')
  await agrees(page, proxy.url, id)
  proxy.manners.upgrade = true
  // A new tab tries again; this one would, too, after some minutes.
  await page.evaluate(() => sessionStorage.clear())
  await page.reload()
  await expect(mode(page)).toHaveAttribute('data-mode', 'live_ws')
  proxy.stop()
})

test('where held requests are cut, the page asks every few seconds', async ({ page, rig }) => {
  const proxy = await Proxy.start(rig.port, { upgrade: false, hold: 1_000 })
  await signIn(page, proxy.url)
  await expect(mode(page)).toHaveAttribute('data-mode', 'poll', { timeout: 20_000 })
  const env = await rig.environment(page)
  env.open()
  const id = await release(page, proxy.url, env.name, 'v1')
  await expect(verdict(page)).toHaveText('succeeded', { timeout: 30_000 })
  await agrees(page, proxy.url, id)
  proxy.stop()
})

test('a server that is killed in the middle is taken up again, in the same tab', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  const id = await release(page, rig.url, env.name, 'v1')
  await expect(step(page, 'web-1 after_upload: running')).toBeVisible()
  await rig.kill()
  await expect(mode(page)).not.toHaveText('Live')
  await rig.serve()
  await expect(mode(page)).toHaveText('Live', { timeout: 40_000 })
  env.open()
  await expect(verdict(page)).toHaveText('succeeded', { timeout: 40_000 })
  await agrees(page, rig.url, id)
})

test('a tab that was frozen knows everything when it wakes', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  const id = await release(page, rig.url, env.name, 'v1')
  await expect(step(page, 'web-1 after_upload: running')).toBeVisible()
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
  env.open()
  await expect.poll(async () => {
    const answer = await page.request.get(`${rig.url}/api/v1/releases/${id}`)
    return (await answer.json()).release.status
  }).toBe('succeeded')
  await devtools.send('Page.setWebLifecycleState', { state: 'active' })
  await expect(verdict(page)).toHaveText('succeeded')
  await agrees(page, rig.url, id)
})

test('a session that ends shows the door, and the same page behind it', async ({ page, browser, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  const id = await release(page, rig.url, env.name, 'v1')
  await endOthers(browser, rig.url)
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible({ timeout: 5_000 })
  await page.getByLabel('User', { exact: true }).fill('admin')
  await page.getByLabel('Password').fill('four words are enough')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: `Release ${id}` })).toBeVisible()
  env.open()
  await expect(verdict(page)).toHaveText('succeeded')
})

test('a session that ends takes nothing that was written', async ({ page, browser, rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/hooks/new`)
  const command = page.getByLabel('Command', { exact: true })
  await command.fill('echo half a th')
  await expect(mode(page)).toHaveText('Live')
  await endOthers(browser, rig.url)
  const door = page.getByRole('dialog', { name: 'Sign in' })
  await expect(door).toBeVisible({ timeout: 5_000 })
  for (let times = 0; times < 3; times++) {
    await page.keyboard.press('Escape')
    await expect(door).toBeVisible()
  }
  await expect(door.getByLabel('User', { exact: true })).toHaveValue('admin')
  await door.getByLabel('Password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await expect(door).toHaveCount(0)
  await expect(command).toHaveValue('echo half a th')
  await expect(mode(page)).toHaveText('Live')
})
