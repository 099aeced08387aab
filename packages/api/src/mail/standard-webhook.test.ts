import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { signWebhook } from './standard-webhook.ts'

// The example of the specification's own libraries.
const secret = Uint8Array.from(Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64'))
const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}', at: new Date(1_614_265_330_000) }

test('a message is signed as the reference libraries sign it', async () => {
  const { headers, body } = await signWebhook(secret, message)
  expect(body).toBe(message.body)
  expect(headers).toEqual({
    'Content-Type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('the body is signed as its bytes of UTF-8', async () => {
  const { headers } = await signWebhook(secret, { ...message, body: '{"ü":"\u{1f600}"}' })
  const signed = `${message.id}.1614265330.{"ü":"\u{1f600}"}`
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
})
