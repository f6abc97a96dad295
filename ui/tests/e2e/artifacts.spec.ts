// Artifacts of a project: what was packed, and releasing one again as it was built.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, signIn, test, verdict } from './rig'

test('an artifact is listed, its hash copied, and released again as it is', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const bare = await page.request.post(`${rig.url}/api/v1/projects`, { data: { name: 'bare', repository: `file://${rig.repo}` }, headers: { Origin: rig.url } })
  expect(bare.status(), await bare.text()).toBe(201)
  await page.goto(`${rig.url}/p/bare`)
  await expect(page.getByText('No artifact yet.')).toBeVisible()

  const env = await rig.environment(page)
  env.open()
  // What was built elsewhere is of a commit, and differs from what that commit has.
  const folder = join(rig.folder, 'built')
  mkdirSync(folder)
  writeFileSync(join(folder, 'page.html'), '<h1>built elsewhere</h1>\n')
  const tar = join(rig.folder, 'built.tar')
  execFileSync('tar', ['-cf', tar, '-C', folder, '.'])
  const hash = rig.aweigh('artifacts', 'push', 'shop', tar, '--ref', 'v2').trim()
  const short = hash.slice(0, 12)

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto(`${rig.url}/p/shop`)
  const artifacts = page.getByRole('table', { name: 'Artifacts' })
  const row = artifacts.getByRole('row', { name: new RegExp(hash) })
  await expect(row).toContainText('kept')
  await row.getByRole('button', { name: `Copy the hash ${short}` }).click()
  await expect(row.getByRole('button', { name: /^Copied/ })).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(hash)

  await row.getByRole('link', { name: `Release artifact ${short}` }).click()
  await page.getByLabel('To').selectOption(env.name)
  await expect(page.getByText('nothing is fetched, built or packed')).toBeVisible()
  await page.getByRole('button', { name: `Release artifact ${short} to ${env.name} (3 servers)` }).click()
  await page.waitForURL(/\/r\/\d+/)
  await expect(verdict(page)).toHaveText('succeeded')
  const live = await page.request.get(`${rig.url}/api/v1/projects/shop/environments/${env.name}/drift`)
  expect((await live.json()).servers.map((one: { state: string }) => one.state)).toEqual(['same', 'same', 'same'])
  expect(execFileSync('cat', [join(rig.folder, 'web-1', 'home', env.name, 'current', 'page.html')], { encoding: 'utf8' })).toBe('<h1>built elsewhere</h1>\n')

  // It may be given up for a ref.
  await page.goto(`${rig.url}/p/shop/new?env=${env.name}&artifact=${hash}`)
  await page.getByRole('button', { name: 'Choose a ref instead' }).click()
  await page.getByRole('combobox', { name: 'What' }).fill('v3')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: `Release v3 to ${env.name} (3 servers)` })).toBeEnabled()
  // One that is not there is told where it is asked for.
  await page.goto(`${rig.url}/p/shop/new?env=${env.name}&artifact=${'0'.repeat(64)}`)
  await expect(page.locator('.field .wrong, [role=alert]').first()).toContainText('000000')
})
