// A secret that is read from a file.

/** The longest secret that the server takes, in bytes. */
export const LONGEST = 64 * 1024

/** What the file says that was chosen in `input`; null when it is too long, undefined when none was chosen. The same file can
 * be chosen once more: it may say something else by then. */
export async function chosen(input: HTMLInputElement): Promise<string | null | undefined> {
  const file = input.files?.[0]
  if (!file) return undefined
  const text = file.size > LONGEST ? null : await file.text()
  input.value = ''
  return text
}
