import type { ComponentType } from 'preact'
import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from 'preact-iso'
import { useEffect } from 'preact/hooks'
import { startSession, useSession } from './api/session.ts'
import { Crash } from './frame/crash.tsx'
import { Frame } from './frame/frame.tsx'
import { SignIn } from './frame/sign-in.tsx'
import { WorkflowsPage } from './pages/workflows.tsx'
import { laterPage, type LaterPage } from './parts/later.tsx'
import { Empty, Page } from './parts/page.tsx'
import { Problem } from './parts/problem.tsx'
import { words } from './words.ts'

const NewWorkflow = laterPage(() => import('./pages/new-workflow.tsx').then(({ NewWorkflowPage }) => NewWorkflowPage))
const Definition = laterPage(() =>
  import('./pages/workflow/definition.tsx').then(({ DefinitionPage }) => DefinitionPage),
)
const Versions = laterPage(() => import('./pages/workflow/versions.tsx').then(({ VersionsPage }) => VersionsPage))
const Comparison = laterPage(() =>
  import('./pages/workflow/comparison.tsx').then(({ ComparisonPage }) => ComparisonPage),
)
const Sharing = laterPage(() => import('./pages/workflow/sharing.tsx').then(({ SharingPage }) => SharingPage))
const WorkflowExecutions = laterPage(() =>
  import('./pages/workflow/executions.tsx').then(({ WorkflowExecutionsPage }) => WorkflowExecutionsPage),
)
const Schedules = laterPage(() => import('./pages/workflow/schedules.tsx').then(({ SchedulesPage }) => SchedulesPage))
const Executions = laterPage(() => import('./pages/executions.tsx').then(({ ExecutionsPage }) => ExecutionsPage))
const Execution = laterPage(() => import('./pages/execution.tsx').then(({ ExecutionPage }) => ExecutionPage))
const Settings = laterPage(() => import('./pages/settings.tsx').then(({ SettingsPage }) => SettingsPage))
const Account = laterPage(() => import('./pages/account.tsx').then(({ AccountPage }) => AccountPage))
const Audit = laterPage(() => import('./pages/audit.tsx').then(({ AuditPage }) => AuditPage))
const Status = laterPage(() => import('./pages/admin/status.tsx').then(({ StatusPage }) => StatusPage))
const Metrics = laterPage(() => import('./pages/admin/metrics.tsx').then(({ MetricsPage }) => MetricsPage))
const Users = laterPage(() => import('./pages/admin/users.tsx').then(({ UsersPage }) => UsersPage))
const Backups = laterPage(() => import('./pages/admin/backups.tsx').then(({ BackupsPage }) => BackupsPage))

/** What takes the longest is asked for before anything is drawn: the session, and the file of the page beside it. */
export function begin(): void {
  void startSession()
  preloadPage()
}

export function App() {
  return (
    <LocationProvider scope="/console">
      <Gate />
    </LocationProvider>
  )
}

function Gate() {
  const session = useSession()
  switch (session.phase) {
    case 'starting':
      return <div class="starting" aria-busy="true" />
    case 'unreachable':
      return (
        <main class="alone">
          <Problem error={session.error} onRetry={() => void startSession()} />
        </main>
      )
    case 'signedOut':
      return <SignIn />
    case 'signedIn':
      return (
        <Frame user={session.user}>
          <Crash>
            <Pages />
          </Crash>
        </Frame>
      )
  }
}

const pages: readonly (readonly [path: string, component: ComponentType | LaterPage])[] = [
  ['/console', Home],
  ['/console/workflows', WorkflowsPage],
  ['/console/workflows/new', NewWorkflow],
  ['/console/workflows/:id', Definition],
  ['/console/workflows/:id/versions', Versions],
  ['/console/workflows/:id/versions/:from/:to', Comparison],
  ['/console/workflows/:id/executions', WorkflowExecutions],
  ['/console/workflows/:id/schedules', Schedules],
  ['/console/workflows/:id/sharing', Sharing],
  ['/console/executions', Executions],
  ['/console/executions/:id', Execution],
  ['/console/settings', Settings],
  ['/console/account', Account],
  ['/console/audit', Audit],
  ['/console/admin', Status],
  ['/console/admin/metrics', Metrics],
  ['/console/admin/users', Users],
  ['/console/admin/backups', Backups],
]

/** The file of the page that was asked for comes while the session is taken up. */
function preloadPage(): void {
  const asked = partsOf(location.pathname)
  const [, found] =
    pages.find(([path]) => {
      const parts = partsOf(path)
      return (
        parts.length === asked.length && parts.every((part, index) => part.startsWith(':') || part === asked[index])
      )
    }) ?? []
  if (found !== undefined && 'preload' in found) void found.preload()
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '')
}

function Pages() {
  return (
    <ErrorBoundary>
      <Router>
        {pages.map(([path, component]) => (
          <Route key={path} path={path} component={component} />
        ))}
        <Route default component={NoPage} />
      </Router>
    </ErrorBoundary>
  )
}

function Home() {
  const { route } = useLocation()
  useEffect(() => route('/console/workflows', true), [])
  return null
}

function NoPage() {
  return (
    <Page title={words.noPage.title}>
      <Empty title={words.noPage.heading} advice={<a href="/console/workflows">{words.noPage.link}</a>} />
    </Page>
  )
}
