import { describe, expect, test } from 'vitest'
import { routes } from './app.ts'
import { errorKind } from './errors.ts'
import type { Route } from './route.ts'

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`
}

describe('the route table', () => {
  test('no route is served twice', () => {
    const names = routes.map(nameOf)
    expect(new Set(names).size).toBe(names.length)
  })

  test('a literal path stands before one that has a parameter in its place', () => {
    for (const [position, { path }] of routes.entries()) {
      const matcher = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
      const hidden = routes.slice(position + 1).filter((later) => later.path !== path && matcher.test(later.path))
      expect(hidden.map(nameOf)).toEqual([])
    }
  })

  test('whoever is asked for a token is asked for a scope, and nobody else', () => {
    const isOpen = ({ access }: Route) => access.kind === 'open' || access.kind === 'metrics'
    expect(routes.filter((route) => isOpen(route) !== (route.scope === undefined)).map(nameOf)).toEqual([])
  })

  test('reading needs the scope read, or admin where only administrators read, and every change another', () => {
    const wrong = routes.filter(({ method, access, scope }) => {
      const isAdministration = scope === 'admin' && access.kind === 'admin' && method === 'GET'
      const isRead = scope === 'read' || scope === 'claimed' || isAdministration
      return scope !== undefined && isRead !== (method === 'GET')
    })
    expect(wrong.map(nameOf)).toEqual([])
  })

  test('what is for administrators needs the scope admin', () => {
    expect(routes.filter(({ access, scope }) => (access.kind === 'admin') !== (scope === 'admin'))).toEqual([])
  })

  test('path parameters are those that the contract names', () => {
    for (const { path, pathParameters } of routes) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect(Object.keys(pathParameters.shape)).toEqual(named)
    }
  })

  test('only changes of a workflow or a schedule are conditional, and they need more than to view', () => {
    const wrong = routes
      .filter((route) => route.isConditional)
      .filter(({ access }) => (access.kind !== 'workflow' && access.kind !== 'schedule') || access.need === 'view')
    expect(wrong.map(nameOf)).toEqual([])
  })

  test('each says what it succeeds with and only refuses with codes there are', () => {
    for (const { answers, refusals } of routes) {
      expect(Object.keys(answers)).not.toEqual([])
      expect(refusals.map((code) => errorKind(code).status).every((status) => status >= 400)).toBe(true)
    }
  })
})
