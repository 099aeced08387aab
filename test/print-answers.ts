import { afterEach, beforeEach } from 'vitest'
import { describeAnswers, forgetAnswers } from './last-answers.ts'

beforeEach(forgetAnswers)

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return
  const answers = await describeAnswers()
  if (answers !== '') process.stdout.write(`The last answers of "${task.name}":\n${answers}`)
})
