import type { Connection } from 'mysql2'

/** Ends a connection of mysql2: at once where it is lost, else after what it was asked for, with a COM_QUIT. */
export function endMysql(connection: Connection, isLost: boolean): Promise<void> {
  if (isLost) {
    connection.destroy()
    return Promise.resolve()
  }
  return new Promise((resolve) => {
    connection.end(() => resolve())
  })
}
