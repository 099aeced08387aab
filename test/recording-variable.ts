/** Names the folder of the run's recording; absent where nothing is recorded. */
export const recordingVariable = 'MILLRACE_TEST_RECORDING'
