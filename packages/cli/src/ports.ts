import { connect, createServer } from 'node:net'
import { Failure } from './failure.ts'

/** `host:port` as it stands in a URL. */
export function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The address under which this machine reaches a server that listens on `host`. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function holderCommand(port: number): string {
  return process.platform === 'linux' ? `ss -ltnp 'sport = :${port}'` : `lsof -nP -iTCP:${port} -sTCP:LISTEN`
}

function listenFailure(error: NodeJS.ErrnoException, host: string, port: number, option: string): Failure {
  if (error.code === 'EADDRINUSE') {
    return new Failure('port_taken', {
      what: `The port ${port} of ${host} is taken.`,
      why: 'Another process listens on it.',
      fix: `See who with \`${holderCommand(port)}\`, or choose another one with ${option}.`,
    })
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
    return new Failure('usage', {
      what: `${host} is not an address of this machine.`,
      why: 'A server can only listen on an address that one of the network interfaces here has.',
      fix: 'Use --host 127.0.0.1 for this machine alone, or --host 0.0.0.0 for all its interfaces.',
    })
  }
  return new Failure('usage', {
    what: `Nothing can listen on ${authority(host, port)}.`,
    why: error.message,
    fix: `Choose an address of this machine with --host, and a port that you may use with ${option}.`,
  })
}

function someoneAnswers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: reachableHost(host), port })
    socket.setTimeout(1000)
    const settle = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    socket.once('timeout', () => settle(false))
  })
}

/**
 * Checks that a server could listen there, and gives the port: 0 becomes a free one. `option` is the flag that chooses
 * another. Throws a Failure: `port_taken`, or `usage` for an address that is not this machine's.
 */
export async function claimablePort(host: string, port: number, option: string): Promise<number> {
  // Some systems let a second server listen beside one on the wildcard address: ask the port itself first.
  if (port !== 0 && (await someoneAnswers(host, port))) {
    throw listenFailure(Object.assign(new Error('taken'), { code: 'EADDRINUSE' }), host, port, option)
  }
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => reject(listenFailure(error, host, port, option)))
    server.listen({ host, port }, () => {
      const address = server.address()
      const free = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(free))
    })
  })
}
