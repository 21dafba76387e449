import { z } from 'zod'
import { schemas } from './setting-schemas.ts'
import { settingNames, settings } from './settings.ts'

/** The JSON Schema of a file of settings, for editors. */
export function configSchema(): object {
  const shape: Record<string, z.ZodType> = {
    $schema: z.string().describe('The JSON Schema of this file'),
  }
  for (const name of settingNames) {
    const { key, help, allowed } = settings[name]
    shape[key] = schemas[name].describe(`${help}\n\nAllowed: ${allowed}`)
  }
  return {
    // The newest draft that editors know well.
    ...z.toJSONSchema(z.strictObject(shape).partial(), { io: 'input', target: 'draft-7' }),
    title: 'Settings of TailProxy',
    // Of Visual Studio Code, whose plain JSON has neither.
    allowComments: true,
    allowTrailingCommas: true,
  }
}
