// 中文。
import type { Messages } from './index.svelte'

export const zh: Messages = {
  name: '中文',
  common: {
    cancel: '取消', close: '关闭', save: '保存', create: '创建', remove: '删除', edit: '编辑', back: '返回',
    loading: '加载中…', retry: '重试', more: '更多', copy: '复制', copied: '已复制', none: '无', name: '名称',
    offline: '无法连接 Aweigh。它在运行吗？网络正常吗？',
    notFound: '这里什么也没有。', home: '回到总览', yes: '是', no: '否', optional: '可选',
    saved: (what) => `${what} 已保存`, removed: (what) => `${what} 已删除`,
    sureRemove: (what) => `删除 ${what}？`, skip: '跳到正文',
    newVersion: 'Aweigh 已升级到新版本。', reload: '刷新',
  },
  nav: {
    label: 'Aweigh', board: '总览', history: '历史', servers: '服务器', credentials: '凭据', users: '用户',
    account: '账号', signOut: '退出登录', language: '语言', theme: '主题', menu: '菜单', keys: '快捷键',
    themes: { auto: '跟随系统', light: '浅色', dark: '深色' }, newProject: '新建项目', main: '主导航',
  },
  pill: {
    live: '实时', slower: '实时（长轮询）', polling: '每 3 秒', offline: '离线', connecting: '连接中…',
    since: (time) => `状态截至 ${time}`,
  },
  status: {
    step: {
      pending: '等待', running: '执行中', ok: '完成', failed: '失败', warning: '警告', paused: '暂停',
      skipped: '跳过', cancelled: '已取消', undone: '已还原', unknown: '未知',
    },
    release: {
      awaiting_approval: '等待审批', scheduled: '已预约', queued: '排队中', running: '执行中', paused: '暂停',
      interrupted: '中断', succeeded: '成功', failed: '失败', rolled_back: '已回滚', partial: '部分成功',
      cancelled: '已取消', superseded: '已被取代',
    },
    server: {
      pending: '未开始', staged: '已就绪', activated: '已切换', live: '运行中', undone: '已还原', behind: '落后', unknown: '未知',
    },
  },
  signIn: {
    title: '登录', user: '用户', password: '密码', submit: '登录', again: '会话已结束，登录后回到刚才的页面。',
    first: '还没有密码？请使用 Aweigh 启动时打印的链接，或运行', firstCommand: 'aweigh users link admin',
  },
  setUp: {
    title: '设置密码', lead: '此链接只能使用一次。至少十个字符，四个随机词语就很好。',
    password: '新密码', submit: '保存并登录', noCode: '地址中没有设置码，请打开完整的链接。',
  },
  board: {
    title: '总览', lead: '什么版本运行在哪里', live: '运行中', never: '还没有', by: (who) => `${who} 发布`, queued: (n) => `${n} 个排队`,
    release: '发布…', running: '正在发布', servers: (n) => `${n} 台服务器`, project: '项目', environment: '环境',
    empty: '还没有项目', emptyLead: 'Aweigh 把 git 仓库的提交发布到你的服务器。三步完成第一次发布：',
    steps: ['保存登录服务器用的密钥', '登记服务器', '添加项目和环境'],
    file: '或者全部写进一个文件，然后运行', noEnvironments: '还没有环境', addEnvironment: '添加环境', since: '自',
  },
  project: {
    release: '发布…', settings: '设置', history: '发布记录', chat: '聊天', live: '当前版本', running: '执行中',
    nothingLive: '还没有版本在运行。', noHistory: '还没有发布。', environments: '环境', rollBack: '回滚…', repository: '仓库',
    servers: '服务器', path: '目录',
  },
  history: {
    title: '历史', empty: '还没有发布。', project: '项目', environment: '环境', all: '全部',
    columns: { release: '发布', what: '内容', where: '位置', status: '状态', by: '发布人', took: '耗时', when: '时间' },
  },
  release: {
    title: (id) => `发布 ${id}`, rollback: '回滚', kind: { release: '发布', rollback: '回滚' },
    trunk: '公共步骤', servers: '服务器', batch: (n) => `第 ${n} 批`, everything: '全部',
    by: (who) => `${who} 发布`, took: (time) => `耗时 ${time}`, since: (time) => `已 ${time}`,
    watching: (n) => `${n} 人在看`, from: '之前', note: '备注',
    progress: (done, all) => `${done} / ${all} 台服务器`, failedServers: (n) => `${n} 台失败`,
    cancel: '取消发布', cancelling: '正在停止…', cancelTitle: '取消这次发布？',
    cancelBefore: '还没有切换任何服务器，它们保持原样。',
    cancelAfter: '正在处理的服务器会先完成，然后所有已切换的服务器恢复到之前的版本。',
    keepGoing: '继续发布', rollBack: '回滚…', again: '再次发布…', resume: '继续',
    view: { label: '视图', tree: '树', matrix: '矩阵', map: '地图' },
    tab: { label: '详情面板', log: '日志', changes: '变更', chat: '聊天', info: '详情' },
    queued: (n) => (n <= 1 ? '下一个执行' : `排在第 ${n} 位`),
    ended: {
      succeeded: '所有服务器都已运行新版本。', failed: '发布失败，没有服务器被切换。',
      rolled_back: '发布失败，所有已切换的服务器都恢复到之前的版本。',
      partial: '发布失败，部分服务器无法恢复。请检查这些服务器：',
      cancelled: '已取消，服务器保持原样。', superseded: '已被更新的发布取代。',
      interrupted: '中途停止，有一步的结果未知。请检查后选择继续或取消。',
    },
    failedAt: '失败位置', openLog: '打开日志', attempt: (n) => `第 ${n} 次`,
    uploading: (what) => `正在上传：${what}`, sent: (sent, all) => `${sent} / ${all}`, share: (percent, all) => `${percent}%，共 ${all}`,
    remaining: (time) => `剩余 ${time}`,
    filter: '查找服务器', noMatch: '没有这个名称的服务器。', problems: '问题优先',
    ok: (n) => `${n} 完成`, left: (n) => `${n} 等待`, busy: (n) => `${n} 执行中`, bad: (n) => `${n} 失败`,
    info: { ref: '引用', commit: '提交', folder: '服务器目录', started: '开始', ended: '结束', created: '创建', state: '服务器状态', before: '之前', now: '现在' },
  },
  log: {
    title: (node) => `${node} 的日志`, choose: '选择一个步骤查看它的输出。', empty: '没有输出。', waiting: '还没有开始。',
    follow: '跟随', following: '跟随中', newLines: (n) => `${n} 行新日志 ↓`, search: '搜索', hits: (n, all) => `${n}/${all}`,
    noHits: '没有结果', next: '下一个', previous: '上一个', download: '下载', wrap: '换行', earlier: '加载更早的日志', lines: (n) => `${n} 行`,
    dropped: (size) => `… 输出过多，此处省略 ${size} …`, line: (n) => `第 ${n} 行`,
  },
  chat: {
    title: '聊天', empty: '还没有人发言。', write: '对所有正在看的人说点什么', send: '发送', earlier: '更早的消息',
    about: (node) => `关于 ${node}`, failed: '没有发送成功。',
  },
  fresh: {
    title: (project) => `发布 ${project}`, environment: '发布到', ref: '内容', refHint: '分支、标签或提交',
    kinds: { branch: '分支', tag: '标签', commit: '提交' }, search: '输入名称或提交号', noRefs: '没有匹配项。',
    changes: '新增内容', undone: '移除内容', same: '当前运行的就是这个提交。再次发布会重新构建并切换。', first: '这是这里的第一次发布。',
    commits: (n, more) => `${n}${more ? '+' : ''} 个提交`,
    undoneLead: (n) => `当前版本中的 ${n} 个提交不在其中`,
    servers: '只发布到这些服务器', serversHint: '名称或标签，例如 role=web；留空为全部', note: '备注', noteHint: '告诉其他人原因',
    submit: (ref, env, n) => `发布 ${ref} 到 ${env}（${n} 台服务器）`, choose: '请选择要发布的内容',
    busy: (id) => `发布 ${id} 还没有结束。`, seeIt: '查看', queue: '排队等待', fetch: '重新拉取仓库', fetching: '拉取中…',
    plan: (n) => `${n} 个步骤`, planning: '计算中…',
  },
  rollback: {
    title: (project, env) => `回滚 ${project} 的 ${env}`, lead: '服务器切换回之前的版本。不会重新构建，钩子和健康检查照常执行。',
    target: '回到', undone: '将移除这些提交', submit: (id) => `回滚到发布 ${id}`, none: '没有更早的成功发布。', live: '当前版本',
  },
  servers: {
    title: '服务器', add: '添加服务器', empty: '还没有服务器', emptyLead: '服务器是 Aweigh 通过 SSH 登录的主机，不需要安装任何东西。',
    host: '主机', hostHint: '名称或地址；local 表示 Aweigh 所在的机器', port: '端口', user: '用户', credential: '凭据', labels: '标签', labelsHint: '每行一个：role=web',
    hostKey: '主机密钥', hostKeyHint: '每行一个，例如 ssh-ed25519 AAAA…', check: '测试连接', checking: '测试中…', trust: '信任密钥…',
    trustLead: '请通过其他途径与服务器本身显示的指纹比较：', trustCommand: 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
    trustIt: '一致，信任它', trusted: '密钥已信任。', pinned: '已信任', notPinned: '尚未信任', none: '没有标签', usual: '很好：可以发布到这里。',
  },
  credentials: {
    title: '凭据', add: '添加凭据', empty: '还没有凭据', emptyLead: '登录服务器和仓库用的密钥、密码和令牌。加密保存，不再显示。',
    kind: '类型', kinds: { 'ssh-key': 'SSH 密钥', 'ssh-password': 'SSH 密码', 'ssh-agent': 'SSH 代理', 'git-key': 'Git 密钥', 'git-token': 'Git 令牌' },
    secret: '机密内容', secretKeep: '留空则保持不变', passphrase: '密钥口令', username: '用户名', fingerprint: '指纹', stored: '保存时间', file: '从文件读取…',
  },
  define: {
    project: '项目', newProject: '新建项目', repository: '仓库', repositoryHint: 'https://…，或 git@host:org/name.git', credential: '凭据', build: '构建',
    run: '命令', runHint: '每行一条，在控制机上全新检出的目录中执行', output: '打包内容', outputHint: '目录；. 表示全部',
    exclude: '排除', excludeHint: '与 .gitignore 相同的规则，每行一条', cache: '构建间保留', cacheHint: '目录，每行一个', timeout: '时间限制',
    environment: '环境', newEnvironment: '新建环境', serversHint: '哪些服务器：名称或标签，例如 env=production&role=web', path: '服务器目录', pathHint: '绝对路径，例如 /srv/shop',
    keep: '保留的版本数', linkedFiles: '共享文件', linkedDirs: '共享目录', linkedHint: '来自 shared/，每行一个', health: '健康检查', healthHint: '每行一个：从服务器访问的 URL，或一条命令',
    hooks: '钩子', hooksHint: '每行一条命令', onInterrupt: '中途崩溃后', unreachable: '服务器无响应时',
    inherited: '留空则使用项目的默认值。', json: '有些内容此表单无法显示，它们保持不变。',
    points: { before_fetch: '拉取之前（控制机）', after_upload: '上传之后（准备）', before_activate: '切换之前', after_activate: '切换之后（重启）', after_verify: '健康检查之后', before_rollback: '回滚之前', after_release: '发布之后（控制机）', on_failure: '失败时（控制机）' },
    choices: { continue: '继续', hold: '等待人工', roll_back: '回滚', abort: '停止发布', skip: '跳过该服务器' }, usual: '默认',
  },
  users: {
    title: '用户', add: '添加用户', lead: '在有角色之前，每个用户都是管理员。', link: '新的设置链接', linkLead: (name) => `请把此链接交给 ${name}。一天内有效，只能使用一次，不再显示：`,
    has: '已设密码', hasNot: '还没有密码', you: '你', made: '创建', signIn: '登录方式',
  },
  account: {
    title: '账号', password: '密码', current: '当前密码', next: '新密码', change: '修改密码', changed: '密码已修改，其他会话已结束。',
    sessions: '会话', thisOne: '当前', end: '结束', tokens: 'API 令牌', tokenLead: '用于命令行和其他程序。令牌只显示一次。', tokenMade: '请妥善保存，不再显示：', appearance: '外观', add: '创建令牌', seen: '最近使用', until: '到期',
  },
  keys: {
    title: '快捷键', list: [['?', '此列表'], ['g b', '总览'], ['g h', '历史'], ['g s', '服务器'], ['↑ ↓ ← →', '在树中移动'], ['Enter', '打开步骤日志'], ['n p', '下一个、上一个失败'], ['/', '搜索'], ['f', '跟随日志'], ['Esc', '关闭、返回']],
  },
}
