const optionNames = [
  'pool_size',
  'max_overflow',
  'pool_timeout',
  'pool_recycle',
  'pool_pre_ping',
  'connect_timeout',
  'charset',
  'ssl',
  'sslmode',
  'sslaccept',
  'ssl_ca',
  'sslrootcert',
  'channel_binding',
  'application_name',
  'options',
  'driver',
  'authToken',
  'id',
] as const

export type OptionName = (typeof optionNames)[number]

export const knownOptionNames: readonly string[] = optionNames

export function isOptionName(name: string): name is OptionName {
  return knownOptionNames.includes(name)
}
