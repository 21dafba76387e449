import type { TestProject } from 'vitest/node'
import { Registry } from './registry.mjs'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where everything is published. */
    registry: string
    /** What was said when everything was published, and when that was done once more. */
    published: [string, string]
  }
}

/** Vitest runs this once before all tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const registry = await Registry.start()
  try {
    project.provide('published', [await registry.publishOurs(), await registry.publishOurs()])
    project.provide('registry', registry.url)
  } catch (error) {
    await registry.stop()
    throw error
  }
  return () => registry.stop()
}
