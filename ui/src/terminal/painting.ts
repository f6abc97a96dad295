// What xterm.js needs to be drawn right under a policy that allows no inline style.
//
// It writes its colours and sizes into style elements, and true colours into style attributes as text. Both are refused
// (CSP `style-src 'self'`), and rightly so. What a script of the page sets as an object (CSSOM) is not. So as long as a
// terminal is there, a style element that the document makes fills a sheet of the document instead, and a span sets its
// style by `cssText`. (Its option `documentOverride` is not enough: its rows are made by the real document all the same.)

type Create = (name: string, options?: ElementCreationOptions) => HTMLElement

let terminals = 0

/** Has the document make such elements until what is answered is called. */
export function paint(): () => void {
  terminals += 1
  if (terminals === 1) Object.defineProperty(document, 'createElement', { value: create, configurable: true })
  return () => {
    terminals -= 1
    // The document's own one stands behind this.
    if (terminals === 0) Reflect.deleteProperty(document, 'createElement')
  }
}

const make: Create = (name, options) => Document.prototype.createElement.call(document, name, options)
const create: Create = (name, options) => (name === 'style' ? sheetOf(make('template')) : name === 'span' ? styled(make('span')) : make(name, options))

/** An element that stands for a style element: the text that it gets is a sheet of the document until it is removed. */
function sheetOf(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet()
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  Object.defineProperty(element, 'textContent', { set: (text: string) => { sheet.replaceSync(text) } })
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet)
    Element.prototype.remove.call(element)
  }
  return element
}

/** The attribute `style` of this element sets its style object. */
function styled(element: HTMLElement): HTMLElement {
  element.setAttribute = (name, value) => {
    if (name === 'style') element.style.cssText = value
    else Element.prototype.setAttribute.call(element, name, value)
  }
  return element
}
