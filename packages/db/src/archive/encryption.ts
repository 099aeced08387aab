import { Decrypter, Encrypter } from 'age-encryption'
import { ArchiveError, damaged } from './archive-error.ts'

/** What every age file begins with. https://age-encryption.org/v1 */
const ageIntroduction = new TextEncoder().encode('age-encryption.org/v1\n')

/** Whether bytes are, or may become, the beginning of an age file. */
export function isEncrypted(beginning: Uint8Array): boolean {
  const length = Math.min(beginning.byteLength, ageIntroduction.byteLength)
  return length > 0 && ageIntroduction.subarray(0, length).every((byte, at) => byte === beginning[at])
}

/** Length from which on {@link isEncrypted} is certain. */
export const introductionBytes = ageIntroduction.byteLength

/** @throws Error when a recipient is not an age public key (`age1…`). */
export function encrypterFor(recipients: readonly string[]): Encrypter {
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  return encrypter
}

/**
 * Opens an age file.
 * @param identities lines `AGE-SECRET-KEY-1…`
 * @throws ArchiveError when none of them opens it or its beginning is damaged; while reading, whatever age-encryption throws on damage.
 */
export async function decrypt(
  encrypted: ReadableStream<Uint8Array>,
  identities: readonly string[],
): Promise<ReadableStream<Uint8Array>> {
  if (identities.length === 0) {
    throw new ArchiveError('identity_missing', [
      { line: 1, what: 'the archive is encrypted and no identity was given' },
    ])
  }
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  try {
    return await decrypter.decrypt(encrypted)
  } catch (thrown) {
    const words = thrown instanceof Error ? thrown.message : String(thrown)
    if (words.startsWith('no identity matched')) {
      throw new ArchiveError('identity_wrong', [{ line: 1, what: 'the archive was encrypted for another identity' }])
    }
    throw damaged(1, `age cannot open it: ${words}`)
  }
}
