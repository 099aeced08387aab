/** An object with some members in place of its own. */
export function withOwn<Real extends object>(real: Real, own: Partial<Real>): Real {
  return new Proxy(real, {
    get(_target, name): unknown {
      if (name in own) return Reflect.get(own, name)
      const value: unknown = Reflect.get(real, name)
      if (typeof value !== 'function') return value
      const bound: unknown = value.bind(real)
      return bound
    },
  })
}
