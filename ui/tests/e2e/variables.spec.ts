// Variables and secrets in the page: said, heard, replaced and forgotten; a secret is never shown again.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, release, signIn, test, verdict } from './rig'

const list = (page: Page) => page.getByRole('table', { name: 'Variables and secrets' })
const row = (page: Page, name: string) => list(page).locator('tbody tr').filter({ hasText: name })

async function add(page: Page, name: string, value: string, kind: 'Variable' | 'Secret'): Promise<void> {
  await page.getByRole('button', { name: 'Add one' }).click()
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Kind').selectOption(kind)
  await page.getByLabel(kind === 'Secret' ? 'Secret' : 'Value', { exact: true }).fill(value)
  await page.getByRole('button', { name: 'Save' }).click()
}

test('what project and environment say is listed with who says it, and reaches the hooks', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const heard = 'printf "%s, %s, %s\\n" "$GREETING" "$WHOM" "$(printf %s "$TOKEN" | wc -c)"'
  const env = await rig.environment(page, { after_activate: { run: heard, secrets: ['TOKEN'] } }, { servers: 'web-1' })
  env.open()
  await page.goto(`${rig.url}/p/shop`)
  await page.getByRole('link', { name: 'Variables and secrets' }).click()
  await add(page, 'GREETING', 'hello', 'Variable')
  await expect(row(page, 'GREETING')).toContainText('the project')
  await add(page, 'WHOM', 'nobody', 'Variable')
  await expect(row(page, 'WHOM')).toContainText('nobody')

  await page.goto(`${rig.url}/p/shop/e/${env.name}`)
  await page.getByRole('link', { name: 'Variables and secrets' }).click()
  await add(page, 'WHOM', 'you', 'Variable')
  await expect(list(page)).toContainText('not heard here: the environment says another')
  await add(page, '1X', 'x', 'Variable')
  await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await add(page, 'TOKEN', 'four', 'Secret')
  await expect(row(page, 'TOKEN')).toContainText('too short to be masked in logs')
  await page.getByRole('button', { name: 'Replace TOKEN' }).click()
  await expect(page.getByLabel('Secret', { exact: true })).toHaveValue('')
  // What is written is thrown away by no press in the list.
  await expect(page.getByRole('button', { name: 'Remove TOKEN' })).toBeDisabled()
  await expect(page.getByRole('button', { name: 'Edit WHOM' })).toBeDisabled()
  // A file has it with all its lines, and without the end of the last one.
  const file = join(rig.folder, 'token')
  writeFileSync(file, 'x'.repeat(70_000))
  await page.getByLabel('From a file…').setInputFiles(file)
  await expect(page.getByRole('alert')).toContainText('longer than a secret may be')
  writeFileSync(file, 'open\nsesame\n')
  await page.getByLabel('From a file…').setInputFiles(file)
  await expect(page.getByLabel('It has several lines')).toBeChecked()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(row(page, 'TOKEN')).toContainText('sealed')
  await expect(row(page, 'TOKEN')).not.toContainText('too short')
  expect(await page.content()).not.toContain('sesame')

  const id = await release(page, rig.url, env.name, 'v1')
  await expect(verdict(page)).toHaveText('succeeded')
  const log = await page.request.get(`${rig.url}/api/v1/releases/${id}/log?node=web-1/after_activate`)
  expect(await log.text()).toContain('hello, you, 11')

  page.on('dialog', (asked) => void asked.accept())
  await page.goto(`${rig.url}/p/shop/e/${env.name}/variables`)
  await page.getByRole('button', { name: 'Remove TOKEN' }).click()
  await expect(row(page, 'TOKEN')).toHaveCount(0)
  await page.getByRole('button', { name: 'Edit WHOM' }).click()
  await page.getByLabel('Value', { exact: true }).fill('all\nof you')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(row(page, 'of you')).toHaveCount(1)
  // What the project says is changed there.
  await expect(page.getByRole('button', { name: 'Edit GREETING' })).toHaveCount(0)
  await row(page, 'GREETING').getByRole('link', { name: 'the project' }).click()
  for (const name of ['GREETING', 'WHOM']) {
    await page.getByRole('button', { name: `Remove ${name}` }).click()
    await expect(row(page, name)).toHaveCount(0)
  }
})

test('a server has its own, and saving its form keeps them', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/servers/web-3`)
  await page.getByRole('link', { name: 'Variables and secrets' }).click()
  // From the button to the list by keys alone.
  await page.getByRole('button', { name: 'Add one' }).focus()
  await page.keyboard.press('Enter')
  await page.getByLabel('Name').focus()
  await page.keyboard.type('WORKERS')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.type('8')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(row(page, 'WORKERS')).toContainText('server web-3')
  await page.goto(`${rig.url}/servers/web-3`)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('button', { name: 'Save' })).toBeEnabled()
  await page.goto(`${rig.url}/servers/web-3/variables`)
  await expect(row(page, 'WORKERS')).toContainText('8')
  page.on('dialog', (asked) => void asked.accept())
  await page.getByRole('button', { name: 'Remove WORKERS' }).click()
  await expect(row(page, 'WORKERS')).toHaveCount(0)
  await expect(page.getByRole('heading', { name: 'No variable and no secret yet' })).toBeVisible()
})
