/*
 * What the gateway and the drivers that reach it agree on beyond the services' own protocols.
 */

/** Carries the gateway's token in each request. */
export const gatewayTokenHeader = 'X-Millrace-Gateway-Token'

/** Begins the WebSocket subprotocol that carries the token in hexadecimal: a WebSocket sends no headers of its own. */
export const tokenProtocolStart = 'millrace-token.'

/** Where the gateway says how its pool stands. */
export const poolStatusPath = '/status'

/** The URL's option, which stands in the words of an error that says that no connection came free within its time. */
export const poolTimeoutMark = 'pool_timeout'

/** `errno` of the MySQL error that says that no connection came free within `pool_timeout`: nothing was sent. */
export const busyErrno = 1203
