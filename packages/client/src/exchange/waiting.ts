/** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted before. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const over = new AbortController()
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, milliseconds)
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(reasonOf(signal))
      }
      signal?.addEventListener('abort', onAbort, { once: true, signal: over.signal })
    })
  } finally {
    over.abort()
  }
}

/** What the promise gives, unless the signal is aborted first: then its reason is thrown, and the promise goes on. */
export async function abortable<Value>(promise: Promise<Value>, signal?: AbortSignal): Promise<Value> {
  if (signal === undefined) return promise
  const over = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => reject(reasonOf(signal))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true, signal: over.signal })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    over.abort()
  }
}

/**
 * Runs something that takes a signal, for so long at most. The signal is aborted with `late` when the time is up, and
 * with the reason of `signal` when that is aborted.
 */
export async function within<Value>(
  milliseconds: number,
  { signal, late }: { readonly signal?: AbortSignal | undefined; readonly late: Error },
  run: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(late), milliseconds)
  const onAbort = (): void => controller.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await abortable(run(controller.signal), controller.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('The call was aborted.', { cause: reason })
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true })
  })
}
