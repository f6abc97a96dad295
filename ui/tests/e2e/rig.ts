// The rig: real OpenSSH servers, a real repository, and the real `aweigh serve`. Everything ends with its worker.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Page, test as base, expect } from '@playwright/test'

export { expect }

export const PASSWORD = 'four words are enough'
const BINARY = process.env.AWEIGH_BIN ?? resolve(import.meta.dirname, '../../../target/debug/aweigh')

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer()
    server.on('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'aweigh-e2e-'))
  readonly repo = join(this.folder, 'shop')
  port = 0
  #children: ChildProcess[] = []
  #serve: ChildProcess | null = null
  #environments = 0

  static async start(servers = 3): Promise<Rig> {
    const rig = new Rig()
    try {
      rig.#repository()
      await rig.#servers(servers)
      rig.port = await freePort()
      await rig.serve()
      rig.aweigh('apply', '-f', join(rig.folder, 'fleet.toml'))
    } catch (error) {
      rig.stop()
      throw error
    }
    return rig
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Runs the command line; answers what it printed. */
  aweigh(...words: string[]): string {
    return execFileSync(BINARY, ['--data', join(this.folder, 'data'), ...words], { encoding: 'utf8', env: this.#env() })
  }

  #env(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.folder, AWEIGH_ADMIN_PASSWORD: PASSWORD, AWEIGH_CONFIG: join(this.folder, 'server.toml') }
  }

  /** Starts the server, and waits until it answers. */
  async serve(): Promise<void> {
    writeFileSync(join(this.folder, 'server.toml'), '[git]\nallow_protocols = ["file"]\n')
    const words = ['--data', join(this.folder, 'data'), 'serve', '--listen', `127.0.0.1:${this.port}`]
    const serve = spawn(BINARY, words, { env: this.#env(), stdio: ['ignore', 'ignore', 'pipe'] })
    this.#serve = serve
    let said = ''
    serve.stderr?.on('data', (text) => { said += text })
    await expect.poll(() => fetch(`${this.url}/health`).then((answer) => answer.status, () => (serve.exitCode !== null ? said : 0)), { timeout: 20_000 }).toBe(200)
  }

  /** Kills the server as a crash does. */
  async kill(): Promise<void> {
    const serve = this.#serve
    if (!serve) return
    const gone = new Promise((done) => serve.once('exit', done))
    serve.kill('SIGKILL')
    await gone
  }

  stop(): void {
    this.#serve?.kill('SIGKILL')
    for (const child of this.#children) child.kill('SIGTERM')
    rmSync(this.folder, { recursive: true, force: true })
  }

  git(...words: string[]): void {
    const env = { PATH: process.env.PATH, HOME: this.folder, GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_DATE: '2026-11-01T10:00:00Z', GIT_COMMITTER_DATE: '2026-11-01T10:00:00Z' }
    execFileSync('git', ['-c', 'user.name=Mia', '-c', 'user.email=mia@example.com', ...words], { cwd: this.repo, env, stdio: 'pipe' })
  }

  #repository(): void {
    mkdirSync(this.repo)
    this.git('init', '-q', '-b', 'main')
    for (const version of ['v1', 'v2', 'v3']) {
      writeFileSync(join(this.repo, 'page.html'), `<h1>${version}</h1>\n`)
      this.git('add', '-A')
      this.git('commit', '-q', '-m', `Make ${version}`)
      this.git('tag', version)
    }
  }

  async #servers(count: number): Promise<void> {
    const run = (program: string, words: string[]): void => { execFileSync(program, words, { stdio: 'pipe' }) }
    const sshd = execFileSync('sh', ['-c', 'PATH=$PATH:/usr/sbin:/sbin command -v sshd'], { encoding: 'utf8' }).trim()
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
    const key = join(this.folder, 'key')
    run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    let fleet = `[credentials.deploy]\nkind = "ssh-key"\nfile = "key"\n[projects.shop]\nrepository = "file://${this.repo}"\n`
    for (let n = 1; n <= count; n++) {
      const folder = join(this.folder, `web-${n}`)
      // Keys are let in from two files, as on servers that keep some elsewhere.
      const authorized = join(folder, 'home', '.ssh', 'authorized_keys')
      mkdirSync(dirname(authorized), { recursive: true })
      copyFileSync(`${key}.pub`, authorized)
      run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'host')])
      const port = await freePort()
      writeFileSync(join(folder, 'config'), [
        'ListenAddress 127.0.0.1', `Port ${port}`, `HostKey ${join(folder, 'host')}`, `AuthorizedKeysFile ${authorized} ${join(folder, 'more_keys')}`, 'PidFile none', 'UsePAM no', 'UseDNS no',
        'StrictModes no', 'PermitRootLogin prohibit-password', 'PasswordAuthentication no', 'MaxStartups 100', `SetEnv HOME=${join(folder, 'home')}`, '',
      ].join('\n'))
      this.#children.push(spawn(sshd, ['-D', '-f', join(folder, 'config'), '-E', join(folder, 'log')], { stdio: 'ignore' }))
      const host = execFileSync('cut', ['-d', ' ', '-f', '1,2', join(folder, 'host.pub')], { encoding: 'utf8' }).trim()
      fleet += `[servers.web-${n}]\nhost = "127.0.0.1"\nport = ${port}\nuser = "${userInfo().username}"\ncredential = "deploy"\nhost_key = "${host}"\nlabels = { role = "web" }\n`
    }
    writeFileSync(join(this.folder, 'fleet.toml'), fleet)
  }

  /** Says what a hook template runs: makes it, or its next version. */
  async template(page: Page, name: string, run: string, about = ''): Promise<void> {
    const made = await page.request.put(`${this.url}/api/v1/hooks/${name}`, { data: { run, about }, headers: { Origin: this.url } })
    expect([200, 201], await made.text()).toContain(made.status())
  }

  /** An environment of its own for one test, with `more` of its keys. Its `after_upload` hooks wait for the gate; its
   * health is what a file says. */
  async environment(page: Page, hooks: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Promise<Environment> {
    const name = `e${++this.#environments}`
    const one = new Environment(name, join(this.folder, `gate-${name}`), join(this.folder, `sick-${name}`))
    const spec = {
      name, servers: 'role=web', path: `~/${name}`, keep: 3, ...more,
      health: { command: `! grep -sqf ${one.sick} page.html`, deadline: '2s' },
      hooks: { after_upload: `printf '\\033[32mwarming\\033[0m up\\n'; while [ ! -e ${one.gate} ]; do sleep 0.05; done; echo warm`, ...hooks },
    }
    const made = await page.request.post(`${this.url}/api/v1/projects/shop/environments`, { data: spec, headers: { Origin: this.url } })
    expect(made.status(), await made.text()).toBe(201)
    return one
  }
}

export class Environment {
  constructor(readonly name: string, readonly gate: string, readonly sick: string) {}

  /** Lets the hooks that wait go on, now and later. */
  open(): void {
    writeFileSync(this.gate, '')
  }

  close(): void {
    rmSync(this.gate, { force: true })
  }

  /** Makes the health checks of this version fail, and of no other. */
  fallSick(version: string): void {
    writeFileSync(this.sick, `${version}\n`)
  }
}

/** Signs in through the page. */
export async function signIn(page: Page, url: string, password = PASSWORD): Promise<void> {
  await page.goto(url)
  await page.getByLabel('User', { exact: true }).fill('admin')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('banner')).toBeVisible()
}

/** Releases a ref through the page; answers the number. */
export async function release(page: Page, url: string, env: string, ref: string): Promise<number> {
  await page.goto(`${url}/p/shop/new?env=${env}`)
  await page.getByRole('combobox', { name: 'What' }).fill(ref)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: new RegExp(`^Release ${ref} to ${env}`) }).click()
  await page.waitForURL(/\/r\/\d+/)
  return Number(/\/r\/(\d+)/.exec(page.url())?.[1])
}

/** A node of the tree by its name, such as `web-1 upload: done`. */
export const step = (page: Page, name: string) => page.getByRole('button', { name: name.replace(': ', ' '), exact: true })

/** An environment on the board, by its whole name: a part of it may stand in a commit, too. */
export const onBoard = (page: Page, env: Environment) => page.getByRole('article').filter({ has: page.getByText(env.name, { exact: true }) })

/** The status word beside the title of the release. */
export const verdict = (page: Page) => page.locator('header .facts .status')

export const test = base.extend<object, { rig: Rig }>({
  rig: [async ({}, use) => {
    const rig = await Rig.start()
    await use(rig)
    rig.stop()
  }, { scope: 'worker', timeout: 60_000 }],
})
