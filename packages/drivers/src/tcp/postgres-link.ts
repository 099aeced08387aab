import type { Client, ClientConfig } from 'pg'
import type { ServerAddress } from '@millrace/db/url'

/** What every connection asks of pg: where to, and by what name the server lists it. */
export function postgresOptions({ host, port, user, password, database, options }: ServerAddress): ClientConfig {
  return {
    host,
    port,
    user,
    password,
    database,
    connectionTimeoutMillis: options.connectTimeoutSeconds * 1000,
    application_name: 'millrace',
  }
}

/** A connection of pg that knows when it is lost. */
export abstract class PostgresLink {
  protected readonly client: Client
  protected isLost = false

  /** @param onLost told once, when the server or the network has ended it */
  protected constructor(client: Client, onLost: () => void = () => undefined) {
    this.client = client
    const lose = () => {
      if (!this.isLost) onLost()
      this.isLost = true
    }
    client.on('error', lose)
    client.on('end', lose)
  }

  get isUsable(): boolean {
    return !this.isLost
  }

  /** Ends it at once, whatever runs on it. */
  destroy(): void {
    this.isLost = true
    this.client.connection.stream.destroy()
  }

  async close(): Promise<void> {
    this.isLost = true
    try {
      await this.client.end()
    } catch {
      // It is closed already, which is what was asked for.
      return
    }
  }
}
