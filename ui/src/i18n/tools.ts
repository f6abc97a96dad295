// The words of the toolbox: audit log, git, commands and files on servers, shells. They come with its screens, in every language.
import { locale } from './index.svelte'

export const en = {
  audit: {
    title: 'Audit log', lead: 'Who did what to which thing. Nothing is ever taken out of it.',
    who: 'Who', about: 'To which thing', aboutHint: 'such as server:web-1', everything: 'Show everything',
    empty: 'Nobody has done anything yet.', nothing: 'Nobody has done anything like this.',
    columns: { when: 'When', who: 'Who', what: 'What', about: 'To which thing', detail: 'More' },
    onlyWho: (who: string) => `Only what ${who} did`, onlyAbout: (what: string) => `Only what was done to ${what}`,
    kinds: {
      server: 'server', credential: 'credential', hook: 'hook template', project: 'project', environment: 'environment', release: 'release', user: 'user',
      group: 'group', secret: 'secret', recording: 'recording', installation: 'this installation',
    } as Record<string, string>,
    deeds: {
      put: 'saved', set: 'set', delete: 'removed', remove: 'removed', create: 'made', cancel: 'cancelled', pause: 'paused', resume: 'let go on', promote: 'let the next batch go',
      retry: 'tried again', skip: 'left servers out', check: 'tested', trust: 'trusted its key', lock: 'locked', unlock: 'unlocked', adopt: 'took over', accept: 'accepted as it is',
      push: 'brought a built tree', try: 'tried', run: 'ran a command', get: 'fetched files', see: 'looked at', facts: 'asked what it is',
      'session.begin': 'signed in', 'password.set': 'changed the password', 'token.create': 'made a token', 'token.remove': 'removed a token',
      'user.setup': 'made a set-up link', 'files.put': 'brought files', 'files.get': 'fetched files', 'shell.open': 'opened a shell',
    } as Record<string, string>,
  },
}

export const zh: typeof en = {
  audit: {
    title: '审计日志', lead: '谁在什么时候对什么做了什么。记录永远不会被删除。',
    who: '用户', about: '对象', aboutHint: '例如 server:web-1', everything: '显示全部',
    empty: '还没有任何记录。', nothing: '没有符合条件的记录。',
    columns: { when: '时间', who: '用户', what: '操作', about: '对象', detail: '说明' },
    onlyWho: (who) => `只看 ${who} 的操作`, onlyAbout: (what) => `只看对 ${what} 的操作`,
    kinds: {
      server: '服务器', credential: '凭据', hook: '钩子模板', project: '项目', environment: '环境', release: '发布', user: '用户',
      group: '分组', secret: '机密', recording: '录像', installation: '本系统',
    },
    deeds: {
      put: '保存', set: '设置', delete: '删除', remove: '删除', create: '创建', cancel: '取消', pause: '暂停', resume: '继续', promote: '放行下一批',
      retry: '重试', skip: '跳过服务器', check: '测试', trust: '信任密钥', lock: '锁定', unlock: '解锁', adopt: '接管', accept: '确认无误',
      push: '推送制品', try: '试运行', run: '执行命令', get: '取回文件', see: '查看', facts: '查询信息',
      'session.begin': '登录', 'password.set': '修改密码', 'token.create': '创建令牌', 'token.remove': '删除令牌',
      'user.setup': '创建设置链接', 'files.put': '上传文件', 'files.get': '取回文件', 'shell.open': '打开终端',
    },
  },
}

/** These words in the language of the reader; reading them in a template follows the language. */
export function tools(): typeof en {
  return locale() === 'zh' ? zh : en
}
