import { once } from 'node:events'
import process from 'node:process'
import { Sidecar } from '@tailproxy/sidecar'
import { fakeSidecar } from '@tailproxy/sidecar/fake'
import { expect, onTestFinished, test } from 'vitest'
import { SidecarKeeper } from './sidecar-keeper.ts'

/** A keeper, whose later starts wait until they are let go. */
async function keeping() {
  const started: Sidecar[] = []
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const keeper = await SidecarKeeper.open(async () => {
    if (started.length > 0) {
      begin()
      await released
    }
    const sidecar = await Sidecar.spawn(fakeSidecar())
    started.push(sidecar)
    return sidecar
  })
  onTestFinished(async () => {
    release()
    await keeper.close()
    await Promise.all(started.map((sidecar) => sidecar.stop(0)))
  })
  return { keeper, started, begun, release }
}

test('starts another sidecar when one has died, and stops that when it is closed', async () => {
  const { keeper, started, release } = await keeping()
  release()
  const isUp = once(keeper as never, 'up')
  process.kill(started[0]?.pid ?? 0, 'SIGKILL')
  await isUp
  expect(await keeper.up()).toBe(started[1])
  await keeper.close()
  expect(await started[1]?.ended).toMatchObject({ code: 'ERR_SIDECAR_CHANNEL_CLOSED' })
})

test('stops a sidecar that comes up while it is being closed, and tells nobody of it', async () => {
  const { keeper, started, begun, release } = await keeping()
  const told: string[] = []
  keeper.on('up', () => told.push('up'))
  process.kill(started[0]?.pid ?? 0, 'SIGKILL')
  await begun
  const closed = keeper.close()
  release()
  await closed
  for (const sidecar of started) await sidecar.ended
  expect(told).toEqual([])
  await expect(keeper.up()).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
})
