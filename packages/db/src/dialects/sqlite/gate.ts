import { gateClosedWords, type GateDialect } from '../../sql/gate.ts'

export const sqliteGate: GateDialect = {
  // One writer at a time, from BEGIN IMMEDIATE on.
  locking: () => undefined,
  holding: (select) => select,
  locksWhatIsMissing: false,
  // The path is none, so that the error's message holds it. It depends on `changes()`, so that nothing evaluates it early.
  ending: (gate) => [
    gate,
    {
      text: `select case when changes() > 0 then 1 else json_extract('[]', '${gateClosedWords} ' || changes()) end`,
      parameters: [],
    },
  ],
  affectedBy: ({ affected }) => affected,
}
