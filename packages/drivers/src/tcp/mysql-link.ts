import type { Connection, ConnectionOptions } from 'mysql2'
import type { ServerAddress } from '@millrace/db/url'

/** What every connection asks of mysql2: where to, and numbers that keep their digits. */
export function mysqlOptions({ host, port, user, password, database, options }: ServerAddress): ConnectionOptions {
  return {
    host,
    port,
    user,
    password,
    database,
    charset: 'utf8mb4',
    connectTimeout: options.connectTimeoutSeconds * 1000,
    multipleStatements: false,
    supportBigNumbers: true,
    bigNumberStrings: true,
  }
}

/** A connection of mysql2 that knows when it is lost. */
export abstract class MysqlLink {
  protected readonly connection: Connection
  protected isLost = false

  /** @param onLost told once, when the server or the network has ended it */
  protected constructor(connection: Connection, onLost: () => void = () => undefined) {
    this.connection = connection
    const lose = () => {
      if (!this.isLost) onLost()
      this.isLost = true
    }
    connection.on('error', lose)
    connection.on('end', lose)
  }

  get isUsable(): boolean {
    return !this.isLost
  }

  get threadId(): number {
    return this.connection.threadId
  }

  ping(): Promise<boolean> {
    return new Promise((resolve) => {
      this.connection.ping((error) => resolve(error === null && this.isUsable))
    })
  }

  /** Ends it at once, whatever runs on it. */
  destroy(): void {
    this.isLost = true
    this.connection.destroy()
  }

  /** Ends it: at once where it is lost, else after what it was asked for, with a COM_QUIT. */
  async close(): Promise<void> {
    if (this.isLost) {
      this.connection.destroy()
      return
    }
    this.isLost = true
    await new Promise<void>((resolve) => {
      this.connection.end(() => resolve())
    })
  }
}
