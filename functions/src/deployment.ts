type Bindings = Readonly<Record<string, unknown>>
type Serve = (request: Request, env: Bindings, execution: ExecutionContext) => Response | Promise<Response>

/**
 * Has /readyz say which deployment answers, as the platform names it (wrangler.toml's `version_metadata`), in the
 * header `X-Millrace-Deployment`: `millrace deploy` waits for its own, while the one before still answers elsewhere.
 */
export function namingDeployment(serve: Serve): Serve {
  return async (request, env, execution) => {
    const response = await serve(request, env, execution)
    const id = deploymentId(env['DEPLOYMENT'])
    if (id !== undefined && new URL(request.url).pathname === '/readyz') {
      response.headers.set('X-Millrace-Deployment', id)
    }
    return response
  }
}

function deploymentId(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null || !('id' in metadata)) return undefined
  return typeof metadata.id === 'string' ? metadata.id : undefined
}
