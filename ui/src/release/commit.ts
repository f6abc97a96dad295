// How a commit is shown. Only zeros is none: nobody knows what an adopted release was made from.
import { t } from '../i18n/index.svelte'

export const isKnown = (commit: string): boolean => /[^0]/.test(commit)

export const short = (commit: string): string => isKnown(commit) ? commit.slice(0, 7) : t().common.unknown
