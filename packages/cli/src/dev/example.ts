/**
 * One line of shell that works as pasted, again and again: registers a user of this moment and creates a workflow with
 * its token. Needs nothing but curl and sed.
 */
export function exampleCommand(url: string): string {
  const json = `-H 'Content-Type: application/json'`
  const name = `ada-'$(date +%s)'`
  const user = `{"username":"${name}","email":"${name}@example.com","password":"correct horse battery"}`
  const workflow = '{"name":"Hello","definition":{"nodes":[],"edges":[]}}'
  const register = `curl -sS ${url}/v1/auth/register ${json} -d '${user}'`
  const token = String.raw`sed 's/.*"accessToken":"\([^"]*\)".*/\1/'`
  return `curl -sS ${url}/v1/workflows ${json} -H "Authorization: Bearer $(${register} | ${token})" -d '${workflow}'`
}

/** Where nobody can register: what is public can be read all the same. */
export function readOnlyExampleCommand(url: string): string {
  return `curl -sS '${url}/v1/workflows?scope=public'`
}
