import type { Sent } from '../load.ts'

export interface Names {
  readonly username: string
  readonly email: string
  readonly password: string
  /** The address that the person's requests come from. */
  readonly address: string
}

interface Credentials extends Names {
  readonly id: string
  readonly token: string
  readonly refreshToken: string
}

type Headers = Readonly<Record<string, string>>

/** A user with a session, and the requests that are sent in it. */
export class Person {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly password: string
  readonly address: string
  readonly token: string
  readonly refreshToken: string

  constructor({ id, username, email, password, address, token, refreshToken }: Credentials) {
    this.id = id
    this.username = username
    this.email = email
    this.password = password
    this.address = address
    this.token = token
    this.refreshToken = refreshToken
  }

  get(path: string): Sent {
    return { method: 'GET', path, headers: this.#headers() }
  }

  /** @param body An object, or JSON. */
  post(path: string, body: object | string = {}, headers: Headers = {}): Sent {
    return this.#withBody('POST', path, body, headers)
  }

  put(path: string, body: object | string, headers: Headers = {}): Sent {
    return this.#withBody('PUT', path, body, headers)
  }

  patch(path: string, body: object | string, headers: Headers = {}): Sent {
    return this.#withBody('PATCH', path, body, headers)
  }

  delete(path: string, headers: Headers = {}): Sent {
    return { method: 'DELETE', path, headers: { ...this.#headers(), ...headers } }
  }

  /** Deletes the account. */
  leave(): Sent {
    return this.#withBody('DELETE', '/v1/auth/me', { password: this.password }, {})
  }

  /** Opens another session. @param address Another one than the person's own. */
  logIn(address: string = this.address): Sent {
    return anonymous(address, '/v1/auth/login', { username: this.username, password: this.password })
  }

  #withBody(method: string, path: string, body: object | string, headers: Headers): Sent {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const all = { ...this.#headers(), 'Content-Type': 'application/json', ...headers }
    return { method, path, headers: all, body: text }
  }

  #headers(): Headers {
    return { Authorization: `Bearer ${this.token}`, ...from(this.address) }
  }
}

export function registration({ username, email, password, address }: Names): Sent {
  return anonymous(address, '/v1/auth/register', { username, email, password })
}

/** A request without a token. */
export function anonymous(address: string, path: string, body: object): Sent {
  const headers = { 'Content-Type': 'application/json', ...from(address) }
  return { method: 'POST', path, headers, body: JSON.stringify(body) }
}

/** Says where a request comes from: to workerd as Cloudflare does, to `millrace serve` as a proxy does. */
function from(address: string): Headers {
  return { 'CF-Connecting-IP': address, 'X-Forwarded-For': address }
}

/** A request without a body, a token or an address. */
export function plain(path: string, headers: Headers = {}): Sent {
  return { method: 'GET', path, headers }
}
