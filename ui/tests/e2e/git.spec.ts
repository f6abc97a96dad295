// The repository of a project in the page: what is in it, what differs, and what can be taken from it.
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { Rig, expect, signIn, test as base } from './rig'

// A repository of their own: they change it.
const test = base.extend<object, { own: Rig }>({
  own: [async ({}, use) => {
    const rig = await Rig.start(1)
    rig.git('checkout', '-q', '-b', 'work', 'v2')
    writeFileSync(join(rig.repo, 'new file.txt'), 'one\ntwo <img src=x onerror=alert(1)>\n\u202eevil\n')
    writeFileSync(join(rig.repo, 'page.html'), '<h1>worked on</h1>\n')
    writeFileSync(join(rig.repo, 'picture.bin'), Buffer.from([0, 1, 2]))
    rig.git('add', '-A')
    rig.git('commit', '-q', '-m', 'Work on the page')
    rig.git('checkout', '-q', 'main')
    await use(rig)
    rig.stop()
  }, { scope: 'worker', timeout: 60_000 }],
})

const table = (page: Page, name: string) => page.getByRole('table', { name })
const rows = (page: Page, name: string) => table(page, name).locator('tbody tr')

test('branches, tags and commits are listed, searched and led on from', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/p/shop`)
  await page.getByRole('link', { name: 'Repository' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Repository of shop')
  await expect(rows(page, 'Branches')).toHaveCount(2)
  await expect(rows(page, 'Branches').filter({ hasText: 'work' })).toContainText('Work on the page')
  const views = page.getByRole('navigation', { name: 'Parts of the repository' })
  await views.getByRole('link', { name: 'Tags' }).click()
  await expect(rows(page, 'Tags')).toHaveCount(3)
  await page.getByRole('searchbox', { name: 'Search' }).fill('make v2')
  await expect(rows(page, 'Tags')).toHaveCount(1)
  expect(new URL(page.url()).searchParams.get('q')).toBe('make v2')
  await rows(page, 'Tags').getByRole('link', { name: 'v2', exact: true }).click()
  // The commits of that tag: not those that came after it.
  await expect(rows(page, 'Commits')).toHaveCount(2)
  await expect(page.getByLabel('Of which ref')).toHaveValue('v2')
  await page.getByLabel('Of which ref').fill('work')
  await page.keyboard.press('Enter')
  await expect(rows(page, 'Commits')).toHaveCount(3)
  await page.getByLabel('Of which ref').fill('no-such-branch')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('no-such-branch')
  await page.goto(`${rig.url}/p/shop/git?view=tag`)
  await page.getByRole('link', { name: 'Release v1' }).click()
  await expect(page.getByRole('combobox', { name: 'What' })).toHaveValue('v1')
})

test('what the repository has got since is there when it is asked again', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/p/shop/git?view=tag`)
  await expect(rows(page, 'Tags').first()).toBeVisible()
  rig.git('tag', 'fresh', 'main')
  await page.getByRole('button', { name: 'Ask the repository again' }).click()
  await expect(rows(page, 'Tags').filter({ hasText: 'fresh' })).toHaveCount(1)
  rig.git('tag', '-d', 'fresh')
})

test('two refs are compared: commits that come and go, and every line of every file', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/p/shop/git?view=branch`)
  await page.getByRole('link', { name: 'Compare work with another ref' }).click()
  await expect(page.getByText('Choose two refs to see what differs.')).toBeVisible()
  await page.getByRole('combobox', { name: 'From' }).fill('v3')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('heading', { name: /Commits that come/ })).toContainText('1 commit')
  await expect(page.getByRole('heading', { name: /Commits that go/ })).toContainText('1 commit')
  await expect(page.locator('.gone').getByText('Make v3')).toBeVisible()
  await expect(page.getByRole('heading', { name: /^3 files/ })).toBeVisible()

  await page.locator('summary', { hasText: 'page.html' }).click()
  const diff = page.getByRole('region', { name: 'What changed in page.html' })
  await expect(diff.locator('tr.went')).toHaveText(/^1\s*-\s*<h1>v3<\/h1>$/)
  await expect(diff.locator('tr.came')).toHaveText(/^1\s*\+\s*<h1>worked on<\/h1>$/)
  await page.locator('summary', { hasText: 'new file.txt' }).click()
  // What is hidden in a line is shown, and nothing of it is markup.
  const added = page.getByRole('region', { name: 'What changed in new file.txt' })
  await expect(added).toContainText('two <img src=x onerror=alert(1)>')
  await expect(added).toContainText('⟨U+202E⟩evil')
  expect(await page.locator('img').count()).toBe(0)
  await page.locator('summary', { hasText: 'picture.bin' }).click()
  await expect(page.getByText('It is no text.')).toBeVisible()

  await page.getByRole('button', { name: 'Swap them' }).click()
  await expect(page.getByRole('combobox', { name: 'To' })).toHaveValue('v3')
  await page.locator('summary', { hasText: 'page.html' }).click()
  await expect(diff.locator('tr.came')).toHaveText(/^1\s*\+\s*<h1>v3<\/h1>$/)
  await page.getByRole('combobox', { name: 'From' }).fill('v3')
  await page.keyboard.press('Escape')
  await expect(page.getByText('Both have the same files.')).toBeVisible()
})

test('the files of a ref are downloaded in the format that was chosen', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/p/shop/git?view=tag`)
  await page.getByRole('button', { name: 'Download the files of v2' }).click()
  const coming = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download the files of v2 as tar.gz' }).click()
  const download = await coming
  expect(download.suggestedFilename()).toMatch(/^shop-[0-9a-f]{7}\.tar\.gz$/)
  const file = join(rig.folder, 'taken.tar.gz')
  await download.saveAs(file)
  expect(execFileSync('tar', ['-xzOf', file, 'page.html'], { encoding: 'utf8' })).toBe('<h1>v2</h1>\n')
  rmSync(file)
})
