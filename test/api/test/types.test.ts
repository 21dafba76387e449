import { expect } from 'vitest'
import { anysOf, compileConsumer, complaintsOf } from '../support/declarations.ts'
import { test } from '../support/installed.ts'

test('the published types are what a user counts on, and right without skipLibCheck', ({
  project,
}) => {
  const complaints = complaintsOf(compileConsumer(project))
  const ours = complaints.filter((each) => !/node_modules\/(?!@tailproxy)/.test(each))
  expect(ours).toEqual([])
})

test('they are for users who are stricter than the compiler asks for, too', ({ project }) => {
  const options = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
  const complaints = complaintsOf(compileConsumer(project, { ...options, skipLibCheck: true }))
  expect(complaints).toEqual([])
})

test('no public type is any', ({ project }) => {
  expect(anysOf(compileConsumer(project))).toEqual([])
})
