import { afterEach, beforeEach } from 'vitest'
import { describeAnswers, forgetAnswers } from './last-answers.ts'

beforeEach(forgetAnswers)

afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return
  const answers = describeAnswers()
  if (answers !== '') process.stdout.write(`The last answers of "${task.name}":\n${answers}`)
})
