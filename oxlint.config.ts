import { defineConfig } from 'oxlint'
import { boundaries } from './oxlint.boundaries.ts'

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true },
  rules: {
    eqeqeq: 'error',
    'no-empty': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'import/no-cycle': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-require-imports': 'error',
    'typescript/no-unnecessary-condition': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/return-await': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    // What the compiler's own flags already see, or what tables of tests and drivers' default exports are made of.
    'no-shadow': 'off',
    'typescript/consistent-return': 'off',
    'import/no-named-as-default-member': 'off',
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect[A-Z]*', 'expectTypeOf'] }],
    'vitest/no-standalone-expect': ['error', { additionalTestBlockFunctions: ['testWhere'] }],
    'unicorn/no-useless-spread': 'off',
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
    'no-underscore-dangle': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/no-conditional-tests': 'off',
    'vitest/require-to-throw-message': 'off',
    'vitest/valid-title': 'off',
  },
  overrides: [
    {
      files: ['packages/db/src/**', 'packages/drivers/src/**', 'packages/api/src/**'],
      rules: { 'no-console': 'error' },
    },
    // What fits a screen, without comments: nothing in the product is longer (CONTRIBUTING.md).
    {
      files: ['packages/*/src/**', 'functions/src/**'],
      excludeFiles: ['**/*.test.ts', '**/testing/**'],
      rules: { 'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }] },
    },
    // vitest's asymmetric matchers are `any` by design, and a test trusts the answers that it then looks at.
    { files: ['**/*.test.ts'], rules: { 'typescript/no-unsafe-assignment': 'off' } },
    {
      files: ['**/*.test.ts', 'test/**', 'scripts/**', 'bench/**'],
      rules: { 'typescript/no-unsafe-type-assertion': 'off' },
    },
    // A suite keeps its own small functions beside the data that they make.
    { files: ['**/*.test.ts', 'test/**'], rules: { 'unicorn/consistent-function-scoping': 'off' } },
    // JavaScript without types, which no build touches: a page's own script, and what runs before anything is installed.
    {
      files: ['functions/assets/docs/*.js', 'scripts/install.js'],
      rules: Object.fromEntries(
        ['argument', 'assignment', 'call', 'member-access', 'return'].map((kind) => [
          `typescript/no-unsafe-${kind}`,
          'off',
        ]),
      ),
    },
    // Style sheets belong to the module that needs them.
    {
      files: ['packages/console/src/**'],
      rules: { 'import/no-unassigned-import': ['error', { allow: ['**/*.css'] }] },
    },
    ...boundaries,
  ],
  ignorePatterns: ['**/node_modules', '**/.tsbuild'],
})
