/**
 * How a suite's services are run, of `TEST_SERVICE`: the built Worker in workerd with a gateway, which is the default;
 * the app as `millrace serve` has it, on Node with a native driver; or the Worker with a Hyperdrive or a D1 binding.
 */
export const served: 'functions' | 'serve' | 'hyperdrive' | 'd1' = servedBy(process.env['TEST_SERVICE'])

function servedBy(name: string | undefined): typeof served {
  switch (name) {
    case undefined:
    case '':
      return 'functions'
    case 'serve':
    case 'hyperdrive':
    case 'd1':
      return name
    default:
      throw new Error(`TEST_SERVICE is ${name}, and none of serve, hyperdrive and d1`)
  }
}
