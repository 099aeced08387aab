import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The suite that is most likely to notice runs first: the runner has put them in order. */
export class InGivenOrder extends BaseSequencer {
  // oxlint-disable-next-line class-methods-use-this -- vitest asks a sequencer of a class
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files)
  }
}
