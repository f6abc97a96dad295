// Everybody can use it: no violation of the rules that a program can check, in both languages and themes, and no
// sideways scrolling on a phone.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from '@playwright/test'
import { expect, signIn, test } from './rig'
import { OPENERS, lively, look, screens } from './screens'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core finds wrong. It is evaluated by the test's own channel, which the page's policy does not bind. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(async () => {
    const found = await (window as any).axe.run(document, { resultTypes: ['violations'] })
    return found.violations.flatMap((one: any) => one.nodes.map((node: any) => `${one.id}: ${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim()}`))
  })
}

test('signing in has no violation', async ({ page, rig }) => {
  await page.goto(rig.url)
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  expect(await violations(page)).toEqual([])
})

for (const [language, theme] of [['en', 'light'], ['zh', 'dark'], ['en', 'dark'], ['zh', 'light']] as const) {
  test(`no screen has a violation: ${language}, ${theme}`, async ({ page, rig }) => {
    // Some twenty screens, each looked at by some ninety rules.
    test.setTimeout(300_000)
    await signIn(page, rig.url)
    const { env, ids } = await lively(page, rig)
    const wrong: string[] = []
    const note = async (where: string) => {
      for (const one of await violations(page)) wrong.push(`${where}: ${one}`)
    }
    await look(page, rig.url, language, theme)
    for (const screen of screens(env.name, ids)) {
      await page.goto(rig.url + screen.path)
      await screen.ready(page)
      await note(screen.name)
      for (const opener of OPENERS[screen.name]?.(env.name) ?? []) {
        await page.locator(opener).click()
        if (opener.startsWith('#tab')) continue
        await expect(page.getByRole('dialog').getByRole('button').first()).toBeVisible()
        await note(`${screen.name} dialog ${opener}`)
        await page.keyboard.press('Escape')
      }
      if (screen.name !== 'release-rolled-back') continue
      for (const tab of ['chat', 'changes', 'info']) {
        await page.locator(`#tab-${tab}`).click()
        await expect(page.getByRole('tabpanel')).toBeVisible()
        await note(`${screen.name} ${tab}`)
      }
      await page.locator('.side-actions button').last().click()
      await expect(page.getByRole('dialog')).toBeVisible()
      await note(`${screen.name} dialog`)
      await page.keyboard.press('Escape')
    }
    env.open()
    expect(wrong).toEqual([])
  })
}

test('a phone shows every screen without scrolling sideways', async ({ page, rig }) => {
  test.setTimeout(240_000)
  await signIn(page, rig.url)
  const { env, ids } = await lively(page, rig)
  await page.setViewportSize({ width: 360, height: 720 })
  const wide: string[] = []
  for (const language of ['en', 'zh']) {
    await look(page, rig.url, language, 'light')
    for (const screen of screens(env.name, ids)) {
      await page.goto(rig.url + screen.path)
      await screen.ready(page)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      if (width > 360) wide.push(`${screen.name} ${language}: ${width}`)
    }
  }
  env.open()
  expect(wide).toEqual([])
})

test('forms say what is wrong where it is wrong, as the server says it', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/servers/new`)
  await page.getByLabel('Name').fill('Bad Name')
  await page.getByLabel('Host', { exact: true }).fill('-oProxyCommand=x')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true')
  await page.getByLabel('Name').fill('web-9')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByLabel('Host', { exact: true })).toHaveAttribute('aria-invalid', 'true')
  await expect(page.getByLabel('User', { exact: true })).toHaveAttribute('aria-invalid', 'true')
  await page.getByLabel('Host', { exact: true }).fill('10.0.0.9')
  await page.getByLabel('User', { exact: true }).fill('deploy')
  await page.getByLabel('Credential').selectOption('deploy')
  await page.getByLabel('Labels').fill('role=spare')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('link', { name: 'web-9' })).toBeVisible()
  await page.getByRole('link', { name: 'web-1', exact: true }).click()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.locator('.findings')).toContainText('Good: releases can run there.', { timeout: 20_000 })

  await page.goto(`${rig.url}/p/shop/e/new`)
  await page.getByLabel('Name').fill('broken')
  await page.getByLabel('Servers', { exact: true }).fill('role=spare')
  await page.getByLabel('Folder on the servers').fill('../etc')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByLabel('Folder on the servers')).toHaveAttribute('aria-invalid', 'true')
  await page.getByLabel('Folder on the servers').fill('/srv/broken')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('link', { name: 'broken' })).toBeVisible()

  await page.goto(`${rig.url}/users`)
  await page.getByLabel('Name').fill('li')
  await page.getByRole('button', { name: 'Add a user' }).click()
  await expect(page.getByText(/\/setup#[0-9a-f]{64}/)).toBeVisible()
})
