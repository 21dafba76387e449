import { expect } from 'vitest'
import { anysOf, compileConsumer, complaintsOf } from '../support/declarations.ts'
import { test } from '../support/installed.ts'

test('the published types are what a user counts on, and right without skipLibCheck', ({
  project,
}) => {
  expect(complaintsOf(compileConsumer(project))).toEqual([])
})

test('they are for users who are stricter than the compiler asks for, too', ({ project }) => {
  const options = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
  expect(complaintsOf(compileConsumer(project, options))).toEqual([])
})

test('no public type is any', ({ project }) => {
  expect(anysOf(compileConsumer(project))).toEqual([])
})
