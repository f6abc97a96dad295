// What a command wrote, as runs of text in the colours of a terminal.
import { LineReader, type Run } from '../release/log'

/** All of a text, to be drawn one run after another; neighbours of one style are one run. Text never becomes markup. */
export function runs(text: string): Run[] {
  const all: Run[] = []
  const add = ({ text, style }: Run): void => {
    const last = all.at(-1)
    if (last?.style === style) last.text += text
    else all.push({ text, style })
  }
  for (const line of new LineReader().push(text.endsWith('\n') ? text : `${text}\n`)) {
    line.runs.forEach(add)
    if (line.cut > 0) add({ text: ` … +${line.cut}`, style: 'c-dim' })
    add({ text: '\n', style: '' })
  }
  return all
}
