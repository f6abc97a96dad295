// A secret from a file.
import { expect, test } from 'vitest'
import { LONGEST, chosen } from '../../src/screens/secret'

const input = (...files: File[]) => ({ files, value: files[0] ? 'C:\\fakepath\\key' : '' }) as unknown as HTMLInputElement

test('a file is read as it is, and can be chosen again', async () => {
  const one = input(new File(['line\nend\n'], 'key'))
  expect(await chosen(one)).toBe('line\nend\n')
  expect(one.value).toBe('')
  expect(await chosen(input(new File(['x'.repeat(LONGEST)], 'key')))).toHaveLength(LONGEST)
})

test('one that the server would refuse is told as too long, and no file is nothing', async () => {
  const one = input(new File(['x'.repeat(LONGEST + 1)], 'key'))
  expect(await chosen(one)).toBeNull()
  expect(one.value).toBe('')
  expect(await chosen(input())).toBeUndefined()
})
