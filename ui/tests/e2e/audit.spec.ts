// The audit log: what was done is there, can be narrowed down, and leads to the things that it names.
import type { Page } from '@playwright/test'
import { expect, signIn, test } from './rig'

const rows = (page: Page) => page.getByRole('table', { name: 'Audit log' }).locator('tbody tr')

test('who did what to which thing, narrowed down by person and by thing', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const name = `audited-${Date.now()}`
  await rig.template(page, name, 'echo one')
  await rig.template(page, name, 'echo two')
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Audit log')
  const first = rows(page).first()
  await expect(first).toContainText('admin')
  await expect(first).toContainText('saved hook.put')
  await expect(first).toContainText(`hook template ${name}`)

  await first.getByRole('link', { name: `Only what was done to hook:${name}` }).click()
  await expect(rows(page)).toHaveCount(2)
  expect(new URL(page.url()).search).toBe(`?about=${encodeURIComponent(`hook:${name}`)}`)
  await expect(page.getByLabel('To which thing')).toHaveValue(`hook:${name}`)
  await page.getByLabel('Who').fill('nobody')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Nobody has done anything like this.' })).toBeVisible()
  await page.getByRole('button', { name: 'Show everything' }).click()
  await expect(rows(page).nth(2)).toBeVisible()

  // A list can be passed on, and a thing is a click away.
  await page.goto(`${rig.url}/audit?about=${encodeURIComponent(`hook:${name}`)}`)
  await expect(rows(page)).toHaveCount(2)
  await rows(page).first().getByRole('link', { name, exact: true }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`${name} version 2`)
})

test('older deeds come page by page, each once', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const name = `busy-${Date.now()}`
  for (let n = 1; n <= 120; n++) await rig.template(page, name, `echo ${n}`)
  await page.goto(`${rig.url}/audit?about=${encodeURIComponent(`hook:${name}`)}`)
  await expect(rows(page)).toHaveCount(100)
  await page.getByRole('button', { name: 'Show more' }).click()
  await expect(rows(page)).toHaveCount(120)
  await expect(page.getByRole('button', { name: 'Show more' })).toHaveCount(0)
})

test('what people wrote is text there, too', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  const reason = '<img src=x onerror=alert(1)> \u202eevil'
  const locked = await page.request.put(`${rig.url}/api/v1/projects/shop/environments/${env.name}/lock`, { data: { reason }, headers: { Origin: rig.url } })
  expect(locked.status()).toBe(200)
  await page.goto(`${rig.url}/audit?about=${encodeURIComponent(`environment:shop/${env.name}`)}`)
  await expect(rows(page).first()).toContainText('<img src=x onerror=alert(1)>')
  expect(await page.locator('img').count()).toBe(0)
  await rows(page).first().getByRole('link', { name: `shop/${env.name}` }).first().click()
  await page.waitForURL(`${rig.url}/p/shop/e/${env.name}`)
})
