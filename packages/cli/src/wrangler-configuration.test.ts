import { join } from 'node:path'
import { expect, test } from 'vitest'
import { movedConfiguration, withAssetsApart } from './wrangler-configuration.ts'

const workspace = join(import.meta.dirname, '../../..')

test("the functions' assets are a Worker of their own, bound under the same name", () => {
  const { functions, assets } = withAssetsApart(movedConfiguration(workspace, 'functions/dist'))
  expect(functions).not.toMatch(/^\[assets\]|run_worker_first|html_handling/m)
  expect(functions).toContain('\n[[services]]\nbinding = "ASSETS"\nservice = "millrace-assets"\n')
  expect(functions).toContain('\n[placement]\n')
  expect(assets).toMatch(
    /^name = "millrace-assets"\ncompatibility_date = "\d{4}-\d\d-\d\d"\n\n\[assets\]\ndirectory = ".+functions\/assets"\nhtml_handling = "none"\n$/,
  )
})
