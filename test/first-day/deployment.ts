import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { startCloudflare } from '../deploy/cloudflare.ts'
import { workspaceRoot } from '../workspace.ts'
import { must } from './diary.ts'
import type { Day } from './journey.ts'

const token = 'a-gateway-token-of-more-than-32-characters'

/** Deploys to a stand-in for Cloudflare on this machine, with the SQLite file behind a gateway. Gives its URL. */
export async function deployToStandIn({ home, diary }: Day): Promise<string> {
  const gatewayCommand = `echo ${token} > gateway.token\nnpx millrace gateway --port 0 --token-file gateway.token`
  const { gateway, gatewayUrl } = await diary.step('Open a gateway', async () => {
    const running = home.start(gatewayCommand)
    const [url = ''] = await running.until(/http:\/\/127\.0\.0\.1:\d+/)
    const text = 'Functions speak only HTTP. The gateway lets them reach a file or a server of your own.'
    return { text, command: gatewayCommand, output: running.output(), result: { gateway: running, gatewayUrl: url } }
  })
  const cloudflare = await startCloudflare({ gatewayUrl })
  try {
    copyFileSync(join(workspaceRoot, 'test/deploy/reach-gateway.mjs'), join(home.folder, 'tmp/reach-gateway.mjs'))
    home.own()
    const env = {
      ...cloudflare.variables,
      DATABASE_GATEWAY_URL: 'https://gateway.example',
      DATABASE_GATEWAY_TOKEN: token,
      // The name gateway.example leads to the gateway above.
      NODE_OPTIONS: `--import ${join(home.folder, 'tmp/reach-gateway.mjs')}`,
      TEST_GATEWAY_URL: gatewayUrl,
      WRANGLER_SEND_METRICS: 'false',
    }
    const settings = 'set -a; . ./secrets.env; DATABASE_URL=sqlite:///./workflows.db; set +a\n'
    const place = `--env staging --url ${cloudflare.url}`
    await diary.command(
      'Rehearse a deployment',
      'Cloudflare is a stand-in on this machine, which runs what is uploaded in the same runtime. A dry run checks settings and migrations and bundles, and changes nothing.',
      `${settings}npx millrace deploy ${place} --dry-run`,
      { env, shown: verdict },
    )
    await diary.command(
      'Deploy',
      'It ends when the version that it uploaded answers `/readyz`.',
      `${settings}npx millrace deploy ${place}`,
      { env, shown: verdict },
    )
    const ready = await (await fetch(`${cloudflare.url}/readyz`)).text()
    if (!ready.includes('"ready"')) throw new Error(`what was deployed answered ${ready}`)
    return cloudflare.url
  } finally {
    gateway.signal('SIGINT')
    await gateway.ended
    await cloudflare.close()
  }
}

/** What millrace says at the end, without what wrangler lists before it. */
function verdict(output: string): string {
  return must(/^millrace-staging (?:can be|is) deployed[^]*/m, output, 0)
}
