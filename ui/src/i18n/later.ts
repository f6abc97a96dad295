// The words of screens that come later, in every language: they come with these screens, so that the page begins quickly.
import { locale } from './index.svelte'

export const en = {
  hooks: {
    title: 'Hook templates', lead: 'Commands that are kept once, for the hooks of every project', add: 'Add a template',
    empty: 'No hook template yet', emptyLead: 'What several hooks have to run is written here once: reload a service, drain a server, warm a cache. Each change makes a new version, and it can be tried on a server before a release needs it.',
    pick: 'In the fleet file, or in the aweigh.toml of a repository, a hook picks it by its name:', pickFixed: 'With a number behind its name the hook keeps to that version:',
    columns: { version: 'Version', about: 'What it is for', uses: 'Picked by', command: 'Command', made: 'Made', by: 'By' },
    uses: (n: number) => `${n} hook${n === 1 ? '' : 's'}`, version: (n: number) => `version ${n}`,
    about: 'What it is for', aboutHint: 'a line for the others', run: 'Command', runHint: 'sh -e runs it, or the program that its first line names (#!)',
    timeout: 'Time limit', idleTimeout: 'Limit without output', limitHint: 'such as 90s or 10m', noLimit: 'none',
    rerun: 'When nobody knows how it ended', rerunChoices: { '': 'it is not run again by itself', safe: 'it may be run again' } as Record<string, string>,
    allowFailure: 'When it fails, the release goes on with a warning',
    saved: (n: number) => `Version ${n} is saved.`, same: (n: number) => `It is what version ${n} says already: no new version was made.`,
    held: 'It stays, because hooks pick it. First have them pick another one, or write their own command.',
    usedBy: 'Picked by', unused: 'No hook picks it yet.', everywhere: 'every environment', takesNewest: 'the newest version', keepsTo: (n: number) => `always version ${n}`,
    versions: 'Versions', newest: 'newest', show: 'Show', showIt: (n: number) => `Show version ${n}`, takeBack: 'Take back', takeItBack: (n: number) => `Take back version ${n}`,
    takenBack: (n: number) => `The form has what version ${n} said. Saving it makes a new version.`, lose: 'What you changed here is not saved. Lose it?',
    variables: 'Variables that a hook finds', variablesLead: 'All of them are always set, and empty where they make no sense.',
    onServers: 'on servers', whenFailed: 'in on_failure',
  },
  trial: {
    open: 'Try on a server…', title: (name: string) => `Try ${name} on a server`, unnamed: 'it',
    lead: 'What stands in the form is tried, saved or not, in the folder of what is live.',
    how: 'How', real: 'Run it', check: 'Only have the shell read it',
    realLead: (server: string) => `It really runs on ${server}: what it changes there stays changed. It is no release: it holds no lock and writes no history. AWEIGH_ACTION is try. After five minutes, or the time limit that is saved, it is killed.`,
    checkLead: 'Nothing of it runs. The shell of the server says whether it can read the text; of a text that begins with #! only the program is looked for.',
    runIt: (server: string) => `Run it on ${server}`, checkIt: (server: string) => `Have ${server} read it`,
    running: (server: string) => `It runs on ${server}. Closing this kills it.`, reading: (server: string) => `${server} reads it…`,
    ended: (code: number, time: string) => `It ended with exit code ${code}, after ${time}.`, killed: (time: string) => `It took too long, and was killed after ${time}.`,
    sound: (time: string) => `It can be read: exit code 0, after ${time}.`, unsound: (code: number, time: string) => `It cannot be read: exit code ${code}, after ${time}.`,
    output: 'What it wrote', leftOut: (size: string) => `${size} before this are left out.`,
    nowhere: 'There is no environment with a server yet.', notLive: 'Nothing is live there yet: it can be tried after the first release.',
  },
  artifacts: {
    title: 'Artifacts', empty: 'No artifact yet. A release packs one, and a CI system can bring one that it built:',
    columns: { artifact: 'Artifact', commit: 'Commit', files: 'Files', size: 'Size', made: 'Made', kept: 'Kept' },
    kept: 'kept', gone: 'removed', release: 'Release…', releaseIt: (hash: string) => `Release artifact ${hash}`, copyIt: (hash: string) => `Copy the hash ${hash}`,
    name: (hash: string) => `artifact ${hash}`, hint: 'The same bytes as then: nothing is fetched, built or packed.', other: 'Choose a ref instead', same: 'What is live is of the same commit.',
  },
}

export const zh: typeof en = {
  hooks: {
    title: '钩子模板', lead: '只写一次、供所有项目的钩子使用的命令', add: '添加模板',
    empty: '还没有钩子模板', emptyLead: '多个钩子都要执行的命令在这里只写一次：重新加载服务、摘除服务器流量、预热缓存。每次修改产生一个新版本，用于发布之前可以先在一台服务器上试运行。',
    pick: '在 fleet 文件或仓库的 aweigh.toml 中，钩子按名称选用：', pickFixed: '名称后面加上数字，就固定使用那个版本：',
    columns: { version: '版本', about: '用途', uses: '使用者', command: '命令', made: '时间', by: '修改人' },
    uses: (n) => `${n} 个钩子`, version: (n) => `版本 ${n}`,
    about: '用途', aboutHint: '给其他人看的一行说明', run: '命令', runHint: '由 sh -e 执行，或由第一行（#!）指定的程序执行',
    timeout: '时间限制', idleTimeout: '无输出时间限制', limitHint: '例如 90s 或 10m', noLimit: '无',
    rerun: '结果未知时', rerunChoices: { '': '不会自动重新执行', safe: '可以重新执行' },
    allowFailure: '失败时只是警告，发布继续',
    saved: (n) => `版本 ${n} 已保存。`, same: (n) => `内容与版本 ${n} 相同，没有产生新版本。`,
    held: '没有删除：还有钩子在使用它。请先让这些钩子选用别的模板，或写上自己的命令。',
    usedBy: '使用者', unused: '还没有钩子使用它。', everywhere: '所有环境', takesNewest: '最新版本', keepsTo: (n) => `固定为版本 ${n}`,
    versions: '版本', newest: '最新', show: '查看', showIt: (n) => `查看版本 ${n}`, takeBack: '取回', takeItBack: (n) => `取回版本 ${n}`,
    takenBack: (n) => `表单中现在是版本 ${n} 的内容，保存后成为新版本。`, lose: '这里的修改还没有保存，要放弃吗？',
    variables: '钩子可用的变量', variablesLead: '所有变量总是存在，没有意义时为空。',
    onServers: '仅服务器', whenFailed: '仅 on_failure',
  },
  trial: {
    open: '在服务器上试运行…', title: (name) => `在一台服务器上试运行 ${name}`, unnamed: '模板',
    lead: '试运行的是表单中的内容（无论是否已保存），在当前版本的目录中执行。',
    how: '方式', real: '真正执行', check: '只让服务器的 shell 检查语法',
    realLead: (server) => `命令会真正在 ${server} 上执行，它所做的改动不会还原。这不是发布：不占用锁，也不写入历史。AWEIGH_ACTION 为 try。超过五分钟或已保存的时间限制会被终止。`,
    checkLead: '不会执行任何内容。服务器的 shell 只检查能否读懂；以 #! 开头时只检查那个程序是否存在。',
    runIt: (server) => `在 ${server} 上执行`, checkIt: (server) => `让 ${server} 检查`,
    running: (server) => `正在 ${server} 上执行，关闭此窗口会终止它。`, reading: (server) => `${server} 正在检查…`,
    ended: (code, time) => `已结束，退出码 ${code}，耗时 ${time}。`, killed: (time) => `耗时过长，${time} 后被终止。`,
    sound: (time) => `没有语法问题：退出码 0，耗时 ${time}。`, unsound: (code, time) => `检查未通过：退出码 ${code}，耗时 ${time}。`,
    output: '输出', leftOut: (size) => `之前的 ${size} 已省略。`,
    nowhere: '还没有带服务器的环境。', notLive: '那里还没有版本在运行：第一次发布之后才能试运行。',
  },
  artifacts: {
    title: '制品', empty: '还没有制品。发布时会打包一个，CI 系统也可以推送它构建的内容：',
    columns: { artifact: '制品', commit: '提交', files: '文件', size: '大小', made: '时间', kept: '保留' },
    kept: '已保留', gone: '已清除', release: '发布…', releaseIt: (hash) => `发布制品 ${hash}`, copyIt: (hash) => `复制哈希 ${hash}`,
    name: (hash) => `制品 ${hash}`, hint: '与当时完全相同：不拉取、不构建、不打包。', other: '改为选择引用', same: '当前运行的版本来自同一个提交。',
  },
}

/** These words in the language of the reader; reading them in a template follows the language. */
export function later(): typeof en {
  return locale() === 'zh' ? zh : en
}
