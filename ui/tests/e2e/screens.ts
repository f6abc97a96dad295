// Every screen of the page, as a path and what has to be there before it is looked at.
import type { Page } from '@playwright/test'
import { type Environment, type Rig, expect, release, verdict } from './rig'

export type Screen = { name: string; path: string; ready: (page: Page) => Promise<void> }

const heading = (level: number) => async (page: Page): Promise<void> => {
  await expect(page.getByRole('heading', { level }).first()).toBeVisible()
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
}

/** Makes something to look at: a release that succeeded, one that went back, one that is running, and chat; in an
 * environment that is locked, one that is held behind a batch of which a server failed; a hook template in two versions;
 * variables and a secret. */
export async function lively(page: Page, rig: Rig): Promise<{ env: Environment; ids: number[] }> {
  for (const run of ['echo reloading', '# Workers finish what they have in hand.\necho "reloading on $AWEIGH_SERVER"\n']) {
    await rig.template(page, 'reload-php', run, 'Reloads PHP without losing a request')
  }
  const env = await rig.environment(page, { after_activate: { template: 'reload-php' }, after_verify: { template: 'reload-php@1' } })
  const says = (method: 'patch' | 'put', path: string, data: object) => page.request[method](`${rig.url}/api/v1${path}`, { data, headers: { Origin: rig.url } })
  await says('patch', '/projects/shop', { variables: { LOG_LEVEL: 'info' } })
  await says('patch', `/projects/shop/environments/${env.name}`, { variables: { LOG_LEVEL: 'warning' } })
  await says('put', `/projects/shop/environments/${env.name}/secrets/DB_PASSWORD`, { value: 'four' })
  env.open()
  const ids = [await release(page, rig.url, env.name, 'v1')]
  await expect(verdict(page)).toHaveText('succeeded')
  env.fallSick('v2')
  ids.push(await release(page, rig.url, env.name, 'v2'))
  await expect(verdict(page)).toHaveText('rolled back')
  const FAILS = 'test "$AWEIGH_SERVER" != web-2 || test "$AWEIGH_ACTION" = undo'
  const held = await rig.environment(page, { after_activate: FAILS }, { batches: [{ size: 2, hold: true }, '100%'], max_failures: 1 })
  held.open()
  const canary = await release(page, rig.url, held.name, 'v2')
  await expect(verdict(page)).toHaveText('paused')
  const locked = await page.request.put(`${rig.url}/api/v1/projects/shop/environments/${held.name}/lock`, { data: { reason: 'the canary runs over the weekend' }, headers: { Origin: rig.url } })
  expect(locked.status(), await locked.text()).toBe(200)
  const say = (text: string) => page.request.post(`${rig.url}/api/v1/releases/${ids[1]}/chat`, { data: { text, node: 'web-1/verify' }, headers: { Origin: rig.url } })
  await say('The cart answers 500, I am looking.')
  await say('Rolled back by itself. Thanks!')
  env.close()
  ids.push(await release(page, rig.url, env.name, 'v3'), canary)
  return { env, ids }
}

export function screens(env: string, ids: number[]): Screen[] {
  const tree = async (page: Page): Promise<void> => {
    await expect(page.getByRole('grid')).toBeVisible()
    await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
  }
  const rows = async (page: Page): Promise<void> => {
    await expect(page.locator('tbody tr').first()).toBeVisible()
    await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
  }
  /** A command has run, and its answers are open. */
  const answered = async (page: Page): Promise<void> => {
    await page.locator('#command').fill("printf '\\033[32mfine\\033[0m\\n'; echo careful >&2; case $HOME in *web-2*) exit 3;; esac")
    await expect(page.locator('.meant strong')).toBeVisible()
    await page.locator('#command').press('Control+Enter')
    await expect(page.locator('.answers .stderr').first()).toBeVisible()
    await expect(page.locator('form .danger')).toHaveCount(0)
  }
  return [
    { name: 'board', path: '/', ready: heading(1) },
    { name: 'release-succeeded', path: `/r/${ids[0]}`, ready: tree },
    { name: 'release-rolled-back', path: `/r/${ids[1]}`, ready: tree },
    { name: 'release-running', path: `/r/${ids[2]}`, ready: tree },
    { name: 'release-held', path: `/r/${ids[3]}`, ready: tree },
    { name: 'release-matrix', path: `/r/${ids[1]}?view=matrix`, ready: tree },
    { name: 'release-map', path: `/r/${ids[1]}?view=map`, ready: heading(1) },
    { name: 'new-release', path: `/p/shop/new?env=${env}&ref=v3`, ready: heading(1) },
    { name: 'project', path: '/p/shop', ready: heading(1) },
    { name: 'repository', path: '/p/shop/git', ready: rows },
    { name: 'repository-commits', path: '/p/shop/git?view=commit&q=make', ready: rows },
    { name: 'compare', path: '/p/shop/git?view=compare&from=v1&to=v3', ready: async (page) => { await page.locator('summary', { hasText: 'page.html' }).click(); await expect(page.locator('tr.came')).toBeVisible() } },
    { name: 'project-settings', path: '/p/shop/settings', ready: heading(1) },
    { name: 'environment', path: `/p/shop/e/${env}`, ready: heading(1) },
    { name: 'variables', path: `/p/shop/e/${env}/variables`, ready: rows },
    { name: 'variable-new', path: '/servers/web-1/variables', ready: async (page) => { await heading(1)(page); await page.locator('.head .button.main').click(); await page.locator('form select').selectOption('secret'); await expect(page.locator('form [type=password]')).toBeVisible() } },
    { name: 'history', path: '/history', ready: heading(1) },
    { name: 'servers', path: '/servers', ready: heading(1) },
    { name: 'server', path: '/servers/web-1', ready: heading(1) },
    { name: 'run', path: '/run?servers=role%3Dweb', ready: answered },
    { name: 'shell', path: '/servers/web-1/shell', ready: async (page) => { await expect(page.locator('.whole').getByRole('status')).toContainText(/×/); await expect(page.locator('.xterm-rows')).toContainText(/[$#]/) } },
    { name: 'recordings', path: '/recordings', ready: rows },
    { name: 'recording', path: '/recordings/1', ready: async (page) => { await expect(page.locator('.xterm-rows')).toBeVisible(); await page.getByRole('slider').focus(); await page.keyboard.press('End') } },
    { name: 'hooks', path: '/hooks', ready: heading(1) },
    { name: 'hook', path: '/hooks/reload-php', ready: heading(1) },
    { name: 'hook-new', path: '/hooks/new', ready: heading(1) },
    { name: 'credentials', path: '/credentials', ready: heading(1) },
    { name: 'credential', path: '/credentials/deploy', ready: async (page) => { await heading(1)(page); await expect(page.locator('.rotation li').first()).toBeVisible() } },
    { name: 'credential-new', path: '/credentials/new', ready: heading(1) },
    { name: 'users', path: '/users', ready: heading(1) },
    { name: 'account', path: '/account', ready: heading(1) },
    { name: 'audit', path: '/audit', ready: rows },
    { name: 'nowhere', path: '/nowhere', ready: heading(1) },
  ]
}

/** What opens the dialogs of a screen, one after another; a tab opens none, and the next ones are in it. */
export const OPENERS: Record<string, (env: string) => string[]> = {
  'release-held': () => ['.steer .danger', '#tab-info', 'dl .acts button >> nth=0'],
  'release-running': () => ['.steer .danger'],
  hook: () => ['.head button', 'tbody button >> nth=0'],
  project: (env) => [0, 1, 2].map((nth) => `article[aria-label="${env}"] button >> nth=${nth}`),
}

/** Language and theme as the server reads them. */
export async function look(page: Page, url: string, language: string, theme: string): Promise<void> {
  await page.context().addCookies([
    { name: 'aweigh-lang', value: language, url }, { name: 'aweigh-theme', value: theme, url },
  ])
}
