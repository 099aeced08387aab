/** What the drivers look at of an answer. */
export interface FetchedResponse extends Pick<Response, 'ok' | 'status' | 'statusText' | 'headers' | 'text'> {
  json(): Promise<unknown>
}

export type Fetch = (input: Request | URL | string, init?: RequestInit) => Promise<FetchedResponse>
