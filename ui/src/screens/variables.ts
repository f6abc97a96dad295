// The variables that a hook finds, with an example of each; a test compares them with the manual.

/** Where a variable says something; everywhere when nothing is said. */
export type Where = 'onServers' | 'whenFailed'

/** Names that belong together, examples in the same order, and where they say something. */
export const VARIABLES: [names: string[], examples: string[], where?: Where][] = [
  [['AWEIGH_ACTION'], ['release', 'rollback', 'undo', 'catch_up', 'try']],
  [['AWEIGH_PROJECT', 'AWEIGH_ENV'], ['shop', 'production']],
  [['AWEIGH_RELEASE'], ['42']],
  [['AWEIGH_RELEASE_NAME'], ['20261120T104512Z-42'], 'onServers'],
  [['AWEIGH_RELEASE_PATH'], ['/srv/shop/releases/20261120T104512Z-42'], 'onServers'],
  [['AWEIGH_CURRENT_PATH', 'AWEIGH_SHARED_PATH'], ['/srv/shop/current', '/srv/shop/shared'], 'onServers'],
  [['AWEIGH_PREVIOUS_RELEASE'], ['20261119T090000Z-41'], 'onServers'],
  [['AWEIGH_REF', 'AWEIGH_BRANCH', 'AWEIGH_TAG'], ['main', 'main']],
  [['AWEIGH_REVISION', 'AWEIGH_PREVIOUS_REVISION'], ['3f1c09e…', '9b2d77a…']],
  [['AWEIGH_SERVER', 'AWEIGH_ROLES', 'AWEIGH_BATCH'], ['web-1', 'db,web', '1'], 'onServers'],
  [['AWEIGH_USER'], ['mia']],
  [['AWEIGH_RELEASE_URL'], ['https://aweigh.example.com/r/42']],
  [['AWEIGH_FAILED_SERVERS', 'AWEIGH_FAILED_STEP'], ['web-1', 'web-1/verify'], 'whenFailed'],
]
