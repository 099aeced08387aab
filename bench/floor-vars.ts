import type { Database } from '@millrace/db/store/database'
import type { FloorVars } from './floor-contract.ts'
import { recordStatements } from './statements.ts'

export interface FloorSettings {
  readonly user: string
  readonly password: string
  readonly gatewayUrl: string
  /** That tokens are signed with, in base64url. */
  readonly secret: string
}

/** What a floor needs to do on a database what the product does there. */
export async function floorVars(
  { dialect }: Pick<Database, 'dialect'>,
  { user, password, gatewayUrl, secret }: FloorSettings,
): Promise<FloorVars & Readonly<Record<string, string>>> {
  return {
    DIALECT: dialect.name,
    DATABASE_USER: user,
    DATABASE_PASSWORD: password,
    GATEWAY: gatewayUrl,
    SECRET: secret,
    STATEMENTS: JSON.stringify(await recordStatements({ dialect })),
  }
}
