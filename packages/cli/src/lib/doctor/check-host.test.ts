import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { settingsGiven } from '../../testing/settings.ts'
import { checkKernel } from './check-kernel.ts'
import { checkNames } from './check-names.ts'
import { checkNamespaces } from './check-namespaces.ts'
import { checkState } from './check-state.ts'

function scratch(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'doctor-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

test.for([
  ['6.1.0-13-amd64', 'ok'],
  ['4.12.0', 'ok'],
  ['4.4.0-210-generic', 'warn'],
  ['3.10.0', 'warn'],
] as const)('takes Linux %s for %s', ([release, status]) => {
  expect(checkKernel(release)).toMatchObject({ status, found: expect.stringContaining(release) })
})

test.for([
  [{}, 'are allowed'],
  [{ 'user/max_user_namespaces': '15000' }, 'are allowed'],
  [{ 'user/max_user_namespaces': '0' }, 'user.max_user_namespaces is 0'],
  [{ 'kernel/apparmor_restrict_unprivileged_userns': '1' }, 'unprivileged_userns is 1'],
] as const)('says of namespaces with %o: %s', ([sysctls, found]) => {
  const directory = scratch()
  for (const [file, value] of Object.entries(sysctls)) {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true })
    writeFileSync(path.join(directory, file), `${value}\n`)
  }
  expect(checkNamespaces(directory).found).toContain(found)
})

test('looks up the name of the control server, unless it is an address', async () => {
  expect(await checkNames('http://[::1]:8080/')).toMatchObject({ status: 'ok' })
  expect(await checkNames('http://localhost/')).toMatchObject({
    status: 'ok',
    found: expect.stringMatching(/^localhost is (127\.0\.0\.1|::1), found in \d+ ms$/),
  })
  // RFC 2606: there is no such name.
  expect(await checkNames('http://control.invalid/')).toMatchObject({
    status: 'fail',
    found: expect.stringMatching(/^control\.invalid is not found \(E/),
  })
})

test('says where state is kept, and why it cannot be', async () => {
  const directory = scratch()
  const at = (stateDir: string) => checkState(settingsGiven({ stateDir }))
  const place = path.join(directory, 'a/b')
  expect(await at(place)).toMatchObject({ status: 'ok', found: `${place}, not made yet` })
  mkdirSync(place, { recursive: true })
  chmodSync(place, 0o755)
  expect(await at(place)).toMatchObject({
    status: 'fail',
    found: expect.stringContaining('can be read by others (mode 0755)'),
  })
  chmodSync(place, 0o700)
  expect(await at(place)).toEqual({ name: 'state', status: 'ok', found: place })
})
