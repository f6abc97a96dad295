// The terminal itself: xterm.js, with the colours of the page.
import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'
import { paint } from './painting'

const LIGHT = {
  background: '#ffffff', foreground: '#15212b', cursor: '#0b6685', cursorAccent: '#ffffff', selectionBackground: '#bfdfea',
  black: '#15212b', red: '#a3160f', green: '#0c6b4b', yellow: '#8a5600', blue: '#1057bb', magenta: '#5c4190', cyan: '#0b6685', white: '#5d6b77',
  brightBlack: '#4b5a67', brightRed: '#c0281f', brightGreen: '#107a56', brightYellow: '#96600a', brightBlue: '#1668dc', brightMagenta: '#6b4fa0', brightCyan: '#0d7396', brightWhite: '#15212b',
}
const DARK = {
  background: '#0a0f13', foreground: '#e6edf2', cursor: '#5cc3e2', cursorAccent: '#0a0f13', selectionBackground: '#2a5666',
  black: '#3a4955', red: '#ff6b52', green: '#3fbf95', yellow: '#ffd166', blue: '#4c9aff', magenta: '#b79ae8', cyan: '#5cc3e2', white: '#c9d4dc',
  brightBlack: '#8b9aa7', brightRed: '#ff9a87', brightGreen: '#5fd3ab', brightYellow: '#ffe09a', brightBlue: '#7db5ff', brightMagenta: '#c9b2f0', brightCyan: '#8ad7ec', brightWhite: '#ffffff',
}

export const colours = (isDark: boolean): typeof LIGHT => (isDark ? DARK : LIGHT)

type Choice = {
  isDark: boolean
  /** How large it is; else as large as its box. */
  size?: { columns: number; rows: number }
  /** Lines end as in a file. */
  isFile?: boolean
  /** Nothing is typed. */
  isShow?: boolean
}

/** A terminal in `box`, until it is ended. Links that a server writes lead nowhere; what it writes cannot reach the page. */
export function terminal(box: HTMLElement, { isDark, size, isFile = false, isShow = false }: Choice): { term: Terminal; fit: () => void; end: () => void } {
  const term = new Terminal({
    ...(size && { cols: size.columns, rows: size.rows }), theme: colours(isDark),
    fontFamily: "ui-monospace, 'SF Mono', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace", fontSize: 13,
    minimumContrastRatio: 4.5, scrollback: 5_000, convertEol: isFile, disableStdin: isShow, cursorInactiveStyle: isShow ? 'none' : 'outline',
    linkHandler: { activate: () => {} },
  })
  const fit = new FitAddon()
  term.loadAddon(fit)
  const unpaint = paint()
  term.open(box)
  return { term, fit: () => fit.fit(), end: () => { term.dispose(); unpaint() } }
}
