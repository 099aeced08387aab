import { connect, createServer, type Socket } from 'node:net'

const commandQuery = 0x03
const headBytes = 4

/** What a MySQL before 5.7 answers: no server of that age is to be had, so its words are put into a newer one's mouth. */
const refusal = errorPacket(1305, '42000', 'FUNCTION workflows.json_valid does not exist')

/** Passes everything on to a server but statements that need `json_valid`, which are refused as an old server would. */
export function startOldMysql(port: number): Promise<{ readonly port: number; close(): void }> {
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const real = connect(port, '127.0.0.1')
    open.add(client).add(real)
    real.pipe(client)
    client.on('data', (bytes: Buffer) => {
      const isQuery = bytes[headBytes] === commandQuery
      if (isQuery && bytes.toString('latin1').toLowerCase().includes('json_valid')) client.write(refusal)
      else real.write(bytes)
    })
    for (const socket of [client, real]) socket.on('error', () => socket.destroy())
    client.on('close', () => real.destroy())
    real.on('close', () => client.destroy())
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      resolve({
        port: address.port,
        close() {
          for (const socket of open) socket.destroy()
          server.close()
        },
      })
    })
  })
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_err_packet.html */
function errorPacket(number: number, sqlState: string, message: string): Buffer {
  const body = Buffer.concat([Buffer.from([0xff, number & 0xff, number >> 8]), Buffer.from(`#${sqlState}${message}`)])
  const head = Buffer.alloc(headBytes)
  head.writeUIntLE(body.byteLength, 0, 3)
  head[3] = 1
  return Buffer.concat([head, body])
}
