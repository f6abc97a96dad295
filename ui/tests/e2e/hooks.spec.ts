// Hook templates: written, changed, taken back, tried on a server, and kept as long as hooks pick them.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { Rig, expect, release, signIn, test as base, verdict } from './rig'

// An installation of their own: at first it has no template.
const test = base.extend<object, { own: Rig }>({
  own: [async ({}, use) => {
    const rig = await Rig.start(2)
    await use(rig)
    rig.stop()
  }, { scope: 'worker', timeout: 60_000 }],
})

const command = (page: Page) => page.getByLabel('Command', { exact: true })
const save = (page: Page) => page.getByRole('button', { name: 'Save' })
const said = (page: Page) => page.locator('form').getByRole('status')
const dialog = (page: Page) => page.getByRole('dialog')

test('a template is made, changed, and an earlier version taken back', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Hooks' }).click()
  await expect(page.getByRole('heading', { name: 'No hook template yet' })).toBeVisible()
  await expect(page.getByText('{ template = "reload-php" }')).toBeVisible()

  await page.getByRole('link', { name: 'Add a template' }).first().click()
  await page.getByLabel('Name').fill('Greet All')
  await page.getByLabel('What it is for').fill('Says hello')
  await command(page).fill('echo hello\n')
  await page.getByLabel('Time limit').fill('soon')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true')
  await page.getByLabel('Name').fill('greet')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByLabel('Time limit')).toHaveAttribute('aria-invalid', 'true')
  await expect(page.getByLabel('Name')).not.toHaveAttribute('aria-invalid', 'true')
  await page.getByLabel('Time limit').fill('90s')
  await page.getByRole('button', { name: 'Create' }).click()
  await page.waitForURL(`${rig.url}/hooks/greet`)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('greet version 1')
  await expect(said(page)).toHaveText('Version 1 is saved.')

  await command(page).fill('echo good morning\n')
  await save(page).click()
  await expect(said(page)).toHaveText('Version 2 is saved.')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('greet version 2')
  // What it says already makes no version.
  await save(page).click()
  await expect(said(page)).toHaveText('It is what version 2 says already: no new version was made.')

  const first = page.getByRole('row', { name: /echo hello/ })
  await expect(first).toContainText('admin')
  await first.getByRole('button', { name: 'Show version 1' }).click()
  await expect(dialog(page)).toContainText('echo hello')
  await page.keyboard.press('Escape')
  await expect(first.getByRole('button', { name: 'Show version 1' })).toBeFocused()
  // What was written and not saved is not lost without a word.
  await command(page).fill('echo half a th')
  page.once('dialog', (asked) => void asked.dismiss())
  await first.getByRole('button', { name: 'Take back version 1' }).click()
  await expect(command(page)).toHaveValue('echo half a th')
  page.once('dialog', (asked) => void asked.accept())
  await first.getByRole('button', { name: 'Take back version 1' }).click()
  await expect(command(page)).toHaveValue('echo hello\n')
  await expect(command(page)).toBeFocused()
  await expect(said(page)).toHaveText('The form has what version 1 said. Saving it makes a new version.')
  await save(page).click()
  await expect(said(page)).toHaveText('Version 3 is saved.')
  await expect(page.getByRole('row', { name: /^3 newest/ })).toContainText('echo hello')

  await page.goto(`${rig.url}/hooks`)
  await expect(page.getByRole('row', { name: /greet/ })).toContainText('3Says hello0 hooksecho hello')
})

test('the numbers of the lines stay beside them, and Tab goes on to the next field', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/hooks/new`)
  await command(page).fill(Array.from({ length: 300 }, (_, index) => `echo ${index + 1} ${index === 200 ? '界'.repeat(400) : ''}`).join('\n'))
  await page.keyboard.press('Control+Home')
  await page.keyboard.press('Control+End')
  // The box scrolls and shows where one writes, and the field in it never scrolls by itself.
  const measure = () => page.locator('.box').evaluate((box) => {
    const [numbers, text] = [box.querySelector('pre')!, box.querySelector('textarea')!]
    return {
      below: box.scrollHeight - box.clientHeight - Math.round(box.scrollTop) < 20, inner: text.scrollTop, hidden: text.scrollHeight - text.clientHeight,
      last: numbers.textContent?.split('\n').at(-1), beside: numbers.getBoundingClientRect().top - text.getBoundingClientRect().top,
    }
  })
  await expect.poll(measure).toEqual({ below: true, inner: 0, hidden: 0, last: '300', beside: 0 })
  await page.keyboard.type('\nlast')
  await expect.poll(measure).toEqual({ below: true, inner: 0, hidden: 0, last: '301', beside: 0 })
  await page.keyboard.press('Tab')
  await expect(page.getByLabel('Time limit')).toBeFocused()
  await page.keyboard.press('Shift+Tab')
  await expect(command(page)).toBeFocused()
})

test('a template is tried on a server, and says how it ended', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  env.open()
  const mark = join(rig.folder, 'mark')
  await rig.template(page, 'mark', `echo ran >> ${mark}`)
  await page.goto(`${rig.url}/hooks/mark`)
  await page.getByRole('button', { name: 'Try on a server…' }).click()
  await expect(dialog(page)).toContainText('Nothing is live there yet')
  await expect(dialog(page).getByRole('button', { name: 'Run it on web-1' })).toBeDisabled()
  await release(page, rig.url, env.name, 'v1')
  await expect(verdict(page)).toHaveText('succeeded')

  // What stands in the form is tried, as it is: its output is text and colours.
  await page.goto(`${rig.url}/hooks/mark`)
  await command(page).fill('printf \'\\033[32mgreen\\033[0m <img src=x onerror=alert(1)>\\n\'\ncat page.html\necho "$AWEIGH_ACTION on $AWEIGH_SERVER"\nexit 3\n')
  await page.getByRole('button', { name: 'Try on a server…' }).click()
  await dialog(page).getByLabel('Environment').selectOption(env.name)
  await dialog(page).getByLabel('Server', { exact: true }).selectOption('web-2')
  await expect(dialog(page)).toContainText('It really runs on web-2')
  await dialog(page).getByRole('button', { name: 'Run it on web-2' }).click()
  await expect(dialog(page).getByRole('status')).toHaveText(/It ended with exit code 3, after \d+\.\d s\.$/)
  const output = dialog(page).getByRole('log', { name: 'What it wrote' })
  await expect(output).toHaveText('green <img src=x onerror=alert(1)>\n<h1>v1</h1>\ntry on web-2\n')
  await expect(output.locator('.c-green')).toHaveText('green')
  expect(await page.locator('img').count()).toBe(0)

  // What is only read does nothing.
  await page.keyboard.press('Escape')
  await command(page).fill(`echo ran >> ${mark}\nif true; then\n`)
  await page.getByRole('button', { name: 'Try on a server…' }).click()
  await expect(dialog(page).getByLabel('Server', { exact: true })).toHaveValue('web-2')
  await dialog(page).getByLabel('Only have the shell read it').check()
  await dialog(page).getByRole('button', { name: 'Have web-2 read it' }).click()
  await expect(dialog(page).getByRole('status')).toHaveText(/It cannot be read: exit code 2/)
  await page.keyboard.press('Escape')
  await command(page).fill(`echo ran >> ${mark}\n`)
  await page.getByRole('button', { name: 'Try on a server…' }).click()
  await dialog(page).getByLabel('Only have the shell read it').check()
  await dialog(page).getByRole('button', { name: 'Have web-2 read it' }).click()
  await expect(dialog(page).getByRole('status')).toHaveText(/It can be read: exit code 0/)
  await expect(dialog(page)).toContainText('It wrote nothing.')
  expect(existsSync(mark)).toBe(false)
  await dialog(page).getByLabel('Run it', { exact: true }).check()
  await dialog(page).getByRole('button', { name: 'Run it on web-2' }).click()
  await expect(dialog(page).getByRole('status')).toHaveText(/It ended with exit code 0/)
  expect(readFileSync(mark, 'utf8')).toBe('ran\n')

  // A server that cannot be reached is told as such.
  await page.request.patch(`${rig.url}/api/v1/servers/web-2`, { data: { port: 1 }, headers: { Origin: rig.url } })
  await dialog(page).getByRole('button', { name: 'Run it on web-2' }).click()
  await expect(dialog(page).getByRole('alert')).toContainText('web-2')
  expect(readFileSync(mark, 'utf8')).toBe('ran\n')
})

test('closing the dialog kills what runs', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page, {}, { servers: 'web-1' })
  env.open()
  await release(page, rig.url, env.name, 'v1')
  await expect(verdict(page)).toHaveText('succeeded')
  const pid = join(rig.folder, 'pid')
  await page.goto(`${rig.url}/hooks/new`)
  await command(page).fill(`echo $$ > ${pid}.new && mv ${pid}.new ${pid}\nwhile :; do sleep 0.1; done\n`)
  await page.getByRole('button', { name: 'Try on a server…' }).click()
  await dialog(page).getByLabel('Environment').selectOption(env.name)
  await dialog(page).getByRole('button', { name: 'Run it on web-1' }).click()
  await expect(dialog(page).getByRole('status')).toContainText('It runs on web-1. Closing this kills it.')
  await expect.poll(() => existsSync(pid)).toBe(true)
  const number = Number(readFileSync(pid, 'utf8'))
  expect(isAlive(number)).toBe(true)
  await dialog(page).getByRole('button', { name: 'Close' }).click()
  await expect(dialog(page)).toHaveCount(0)
  await expect.poll(() => isAlive(number)).toBe(false)
})

test('hooks that pick a template are shown with it, and keep it', async ({ page, own: rig }) => {
  await signIn(page, rig.url)
  await rig.template(page, 'warm', 'echo one')
  await rig.template(page, 'warm', 'echo two')
  const env = await rig.environment(page, { after_activate: { template: 'warm' }, after_verify: { template: 'warm@1' } })
  await page.goto(`${rig.url}/hooks`)
  await expect(page.getByRole('row', { name: /warm/ })).toContainText('2 hooks')
  await page.getByRole('link', { name: 'warm' }).click()
  const uses = page.getByRole('listitem')
  await expect(uses).toHaveText([
    new RegExp(`shop › ${env.name}\\s+After the switch \\(restart\\) · the newest version`), new RegExp(`shop › ${env.name}\\s+After the health check · always version 1`),
  ])
  page.on('dialog', (asked) => void asked.accept())
  await page.getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByRole('alert')).toContainText('It stays, because hooks pick it.')
  await expect(page.getByRole('alert')).toContainText(`shop/${env.name}`)
  await uses.first().getByRole('link', { name: 'shop' }).click()
  await page.waitForURL(`${rig.url}/p/shop`)

  await rig.template(page, 'spare', 'echo spare')
  await page.goto(`${rig.url}/hooks/spare`)
  await expect(page.getByText('No hook picks it yet.')).toBeVisible()
  await page.getByRole('button', { name: 'Remove' }).click()
  await page.waitForURL(`${rig.url}/hooks`)
  await expect(page.getByRole('link', { name: 'spare' })).toHaveCount(0)
})

/** Whether a process runs; one that has ended and was not waited for does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
