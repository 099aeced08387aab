import { generateIdentity, identityToRecipient } from 'age-encryption'

/** Settings of a service whose scheduled backups are encrypted and drilled, and the identity that opens them. */
export async function encryptedBackups() {
  const identity = await generateIdentity()
  const vars = { BACKUP_RECIPIENTS: await identityToRecipient(identity), BACKUP_IDENTITY: identity }
  return { identity, vars }
}
